internal import CarrierWire
internal import NIOCore

/// Prefaces, Hellos, peer records and addresses: what reads is written again as it was.
enum IdentityTarget {
    @Sendable static func run(_ input: ByteBuffer) throws {
        var choices = Choices(input)
        let kind = choices.byte()
        var bytes = choices.rest()
        switch kind % 4 {
        case 0:
            let before = bytes
            if let preface = Preface(&bytes) {
                try expect(
                    before.readableBytesView.starts(with: preface.encoded.readableBytesView), "a preface changes")
            }
        case 1:
            try again(bytes) {
                Hello.write($0)
            } read: { reader throws(WireError) in
                try Hello(from: &reader)
            }
        case 2:
            try again(bytes) {
                PeerRecord.write($0)
            } read: { reader throws(WireError) in
                try PeerRecord(from: &reader)
            }
        default:
            guard let address = try? Address(String(buffer: bytes)) else { return }
            try expect(try Address(address.description) == address, "an address changes: \(address)")
        }
    }

    private static func again<Value>(
        _ bytes: ByteBuffer, _ write: (Value) -> (inout Writer) -> Void,
        read: (inout Reader) throws(WireError) -> Value
    ) throws {
        var reader = Reader(bytes)
        let value: Value
        do throws(WireError) {
            value = try read(&reader)
        } catch {
            return try expect((0...bytes.readableBytes).contains(error.offset) && !error.field.isEmpty, "\(error)")
        }
        var writer = Writer()
        write(value)(&writer)
        try expect(bytes.readableBytesView.starts(with: writer.buffer.readableBytesView), "\(Value.self) changes")
    }
}

/// The frame decoder: what it gives does not depend on the pieces, and gives the input back.
enum FramesTarget {
    @Sendable static func run(_ input: ByteBuffer) throws {
        var choices = Choices(input)
        let size = 1 + choices.number(below: 40)
        let bytes = choices.rest()
        let whole = decode(bytes, pieceSize: .max)
        let pieces = decode(bytes, pieceSize: size)
        try expect(whole.frames == pieces.frames && whole.failure == pieces.failure, "pieces make a difference")
        var written = ByteBuffer()
        for frame in whole.frames { frame.encode(into: &written) }
        try expect(bytes.readableBytesView.starts(with: written.readableBytesView), "frames change")
        if whole.failure == nil {
            try expect(whole.waiting + written.readableBytes == bytes.readableBytes, "bytes are lost")
        }
    }

    private static func decode(
        _ bytes: ByteBuffer, pieceSize: Int
    ) -> (frames: [Frame], failure: FrameError?, waiting: Int) {
        var decoder = FrameDecoder(bodyLimit: 300)
        var frames: [Frame] = []
        var rest = bytes
        do throws(FrameError) {
            while rest.readableBytes > 0 {
                guard let piece = rest.readSlice(length: min(pieceSize, rest.readableBytes)) else { break }
                decoder.feed(piece)
                while let frame = try decoder.next() { frames.append(frame) }
            }
            return (frames, nil, decoder.waitingBytes)
        } catch {
            return (frames, error, decoder.waitingBytes)
        }
    }
}

/// Every built-in message: a body that reads is written again as it was; one that does not says where.
enum MessagesTarget {
    private static let kinds: [any BuiltInMessage.Type] = [
        Keepalive.self, KeepaliveResponse.self, ProxyResponse.self, Ping.self, Pong.self, LookupNodeRequest.self,
        LookupNodeResponse.self, Disconnect.self, ProxyRequest.self, MetricRequest.self, MetricResponse.self,
        AckResponse.self, Broadcast.self, BroadcastReport.self, ReachabilityRequest.self, ReachabilityResponse.self,
        BroadcastDigest.self, BroadcastWant.self,
    ]

    @Sendable static func run(_ input: ByteBuffer) throws {
        var choices = Choices(input)
        let kind = choices.choice(of: kinds)
        try check(kind, choices.rest())
    }

    private static func check<M: BuiltInMessage>(_ kind: M.Type, _ body: ByteBuffer) throws {
        let message: M
        do throws(WireError) {
            message = try M(fields: body)
        } catch {
            return try expect((0...body.readableBytes).contains(error.offset) && !error.field.isEmpty, "\(error)")
        }
        var output = ByteBuffer()
        message.encode(into: &output)
        try expect(output == body, "\(M.self) changes")
    }
}

/// Answers to lookups, with more records than allowed too: those that are read are the first ones, as they stand.
enum LookupAnswerTarget {
    @Sendable static func run(_ body: ByteBuffer) throws {
        var leftOut = 0
        let response: LookupNodeResponse
        do throws(WireError) {
            response = try LookupNodeResponse(cutting: body, leftOut: &leftOut)
        } catch {
            return try expect((0...body.readableBytes).contains(error.offset) && !error.field.isEmpty, "\(error)")
        }
        let count = body.getInteger(at: body.readerIndex, endianness: .little, as: UInt16.self)
        try expect(response.records.count + leftOut == count.map { Int($0) }, "records are counted wrong")
        try expect(response.records.count <= LookupNodeResponse.recordLimit, "an answer has too many records")
        var output = ByteBuffer()
        response.encode(into: &output)
        let (written, read) = (output.readableBytesView.dropFirst(2), body.readableBytesView.dropFirst(2))
        try expect(leftOut == 0 ? output == body : read.starts(with: written), "records change")
    }
}

/// MessagePack: what reads, reads the same again when written, and its JSON is that of the same value.
enum MsgpackTarget {
    @Sendable static func run(_ input: ByteBuffer) throws {
        guard let value = try? MsgpackValue(msgpack: input) else { return }
        var output = ByteBuffer()
        try value.encode(into: &output)
        let again = try MsgpackValue(msgpack: output)
        var twice = ByteBuffer()
        try again.encode(into: &twice)
        // By bytes: a NaN is not equal to itself.
        try expect(twice == output, "a value changes")
        try expect(again.json == value.json, "its JSON changes")
    }
}
