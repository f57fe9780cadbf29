import CarrierCrypto
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite("Built-in messages")
struct MessageTests {
    /// A body goes there and back; every cut, every flipped bit and every addition ends in a value that has just these
    /// bytes or in an error that names a field.
    private func verify<M: BuiltInMessage & Equatable>(
        _ message: M, hasOpenEnd: Bool = false, location: SourceLocation = #_sourceLocation
    ) throws {
        let body = try message.body()
        #expect(try M(fields: body) == message, sourceLocation: location)
        #expect(M.codec == .bytes)
        let frame = message.frame(flags: .request, nonce: 7)
        #expect(frame == Frame(M.opcode, flags: .request, nonce: 7, body: body), sourceLocation: location)
        #expect(try MessageRegistry().decode(frame, as: M.self) == message, sourceLocation: location)
        #expect(try MessageRegistry().decode(frame) as? M == message, sourceLocation: location)

        // Appending leaves alone what is there.
        var output = ByteBuffer(bytes: [1, 2, 3])
        message.encode(into: &output)
        #expect(output.array == [1, 2, 3] + body.array, sourceLocation: location)

        for count in 0..<body.readableBytes where !hasOpenEnd {
            #expect(throws: WireError.self, "\(count) of \(body.readableBytes)", sourceLocation: location) {
                try M(fields: ByteBuffer(bytes: body.readableBytesView.prefix(count)))
            }
        }
        if !hasOpenEnd {
            #expect(
                throws: WireError("end", at: body.readableBytes, .trailing(1)), sourceLocation: location
            ) { try M(fields: ByteBuffer(bytes: body.array + [0])) }
        }
        for bit in 0..<(body.readableBytes * 8) {
            var bytes = body.array
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            try expectCanonical(M.self, bytes, location)
        }
    }

    private func expectCanonical<M: BuiltInMessage>(
        _ type: M.Type, _ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation
    ) throws {
        do throws(WireError) {
            let message = try M(fields: ByteBuffer(bytes: bytes))
            var output = ByteBuffer()
            message.encode(into: &output)
            #expect(output.array == bytes, "\(M.self)", sourceLocation: location)
        } catch {
            #expect(!error.field.isEmpty && (0...bytes.count).contains(error.offset), sourceLocation: location)
        }
    }

    @Test("Each goes there and back, and nothing malformed passes", arguments: UInt64(0)..<4)
    func roundTrips(seed: UInt64) throws {
        var random = SeededRandom(seed)
        try verify(Keepalive())
        try verify(KeepaliveResponse())
        try verify(Ping(payload: random.buffer(100)), hasOpenEnd: true)
        try verify(Pong(payload: random.buffer(100)), hasOpenEnd: true)
        try verify(AckResponse(nonce: random.integer()))
        try verify(LookupNodeRequest(target: NodeID(random.bytes32()), count: random.integer()))
        try verify(Disconnect(.init(rawValue: random.integer()), random.text(20)))
        try verify(MetricRequest(sentAt: random.integer(), data: random.buffer(50)))
        try verify(MetricResponse(MetricRequest(sentAt: random.integer(), data: random.buffer(50))))
        try verify(ProxyRequest(kind: random.integer(), ticket: random.bytes(16)))
        try verify(ProxyResponse(status: random.integer(), publicAddress: random.text(20), ticket: random.bytes(16)))
        try verify(ReachabilityRequest(address: random.text(20)))
        try verify(ReachabilityResponse(status: random.integer(), text: random.text(20)))
        try verify(random.broadcast())
        let ids = try (0..<random.int(0...5)).map { _ in try random.broadcast().id }
        try verify(BroadcastDigest(ids: ids))
        try verify(BroadcastWant(ids: ids))
        try verify(
            BroadcastReport(
                id: try random.broadcast().id, reached: random.integer(), duplicates: random.integer(),
                depth: random.integer()))
        try verify(LookupNodeResponse(records: try (0..<random.int(0...2)).map { _ in try random.record() }))
    }

    @Test("Garbage ends in a value of just these bytes or in a typed error", arguments: UInt64(0)..<300)
    func garbage(seed: UInt64) throws {
        var random = SeededRandom(seed)
        // Small numbers make likely lengths and counts.
        let bytes = random.bytes(random.int(0...400)).map { random.int(0...3) > 0 ? $0 & 3 : $0 }
        try expectCanonical(LookupNodeResponse.self, bytes)
        try expectCanonical(Broadcast.self, bytes)
        try expectCanonical(BroadcastReport.self, bytes)
        try expectCanonical(BroadcastDigest.self, bytes)
        try expectCanonical(BroadcastWant.self, bytes)
        try expectCanonical(ProxyResponse.self, bytes)
        try expectCanonical(ProxyRequest.self, bytes)
        try expectCanonical(Disconnect.self, bytes)
        try expectCanonical(MetricRequest.self, bytes)
        try expectCanonical(ReachabilityResponse.self, bytes)
        try expectCanonical(Ping.self, bytes)
    }

    @Test("Lists and texts over their limits are refused")
    func limits() throws {
        var random = SeededRandom(1)
        let record = try random.record()
        let many = LookupNodeResponse(records: [PeerRecord](repeating: record, count: 21))
        #expect(throws: WireError("records", at: 0, .tooLong(limit: 20, got: 21))) {
            try LookupNodeResponse(fields: many.body())
        }
        // Whoever asked takes what is allowed of it, however much is announced.
        var leftOut = 0
        var excess = try many.body()
        excess.setInteger(UInt16.max, at: excess.readerIndex, endianness: .little)
        #expect(try LookupNodeResponse(cutting: excess, leftOut: &leftOut).records == many.records.dropLast())
        #expect(leftOut == 65_515)
        excess = excess.getSlice(at: excess.readerIndex, length: 2 + 138 * 19) ?? excess
        #expect(throws: WireError.self) { try LookupNodeResponse(cutting: excess, leftOut: &leftOut) }
        let few = LookupNodeResponse(records: [record])
        #expect(try LookupNodeResponse(cutting: try few.body(), leftOut: &leftOut) == few && leftOut == 0)
        let ids = [Broadcast.ID](repeating: try random.broadcast().id, count: 65)
        #expect(throws: WireError("ids", at: 0, .tooLong(limit: 64, got: 65))) {
            try BroadcastDigest(fields: BroadcastDigest(ids: ids).body())
        }
        let long = String(repeating: "a", count: 256)
        #expect(throws: WireError("address", at: 0, .tooLong(limit: 255, got: 256))) {
            try ReachabilityRequest(fields: ReachabilityRequest(address: long).body())
        }
        #expect(throws: WireError("publicAddress", at: 2, .tooLong(limit: 255, got: 256))) {
            try ProxyResponse(fields: ProxyResponse(status: 0, publicAddress: long).body())
        }
    }

    @Test("The layouts are those of the protocol")
    func layouts() throws {
        #expect(try AckResponse(nonce: 0x0102_0304).body().array == [4, 3, 2, 1])
        #expect(try Disconnect(.idleTimeout, "x").body().array == [4, 0, 1, 0, 0, 0, 0x78])
        #expect(try Ping(payload: ByteBuffer(bytes: [1, 2])).body().array == [1, 2])
        #expect(
            try MetricRequest(sentAt: 1, data: ByteBuffer(bytes: [9])).body().array
                == [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9])
        #expect(try LookupNodeRequest(target: NodeID(.zero), count: 16).body().readableBytes == 33)
        #expect("\(Disconnect.Reason.applicationClosed)" == "applicationClosed")
        #expect("\(Disconnect.Reason(rawValue: 12))" == "reason 12")
    }

    @Test("A broadcast is signed over all but what hops change")
    func broadcastSignature() throws {
        var random = SeededRandom(3)
        var message = try random.broadcast()
        #expect(message.isSignatureValid)
        message.height &+= 1
        message.hops &+= 1
        message.wantsReport.toggle()
        #expect(message.isSignatureValid)
        let body = try message.body().array
        // Up to the signature's end every byte counts: 32 + 8 + 4 + 1 + 4 + body + 64.
        for index in 0..<(body.count - 5) {
            var altered = body
            altered[index] ^= 0x10
            let read = try? Broadcast(fields: ByteBuffer(bytes: altered))
            #expect(read?.isSignatureValid != true, "byte \(index)")
        }
        #expect(message.id.description == SHA256.hash(Array(body[0..<40])).description.prefix(32))
    }

    @Test("A broadcast of one of carrier's own opcodes is refused")
    func broadcastOpcode() throws {
        var random = SeededRandom(4)
        var body = try random.broadcast().body().array
        body.replaceSubrange(40..<44, with: [0xe7, 3, 0, 0])
        #expect(throws: WireError("opcode", at: 40, .unexpected(expected: "1000 or more", got: "999"))) {
            try Broadcast(fields: ByteBuffer(bytes: body))
        }
        body.replaceSubrange(40..<45, with: [0xe8, 3, 0, 0, 3])
        #expect(throws: WireError("codec", at: 44, .unexpected(expected: "0, 1 or 2", got: "3"))) {
            try Broadcast(fields: ByteBuffer(bytes: body))
        }
    }
}
