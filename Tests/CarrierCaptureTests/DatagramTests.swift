import CarrierCapture
import CarrierWire
import NIOCore
import Testing

@Suite("Sessions over datagrams")
struct DatagramTests {
    let frames: [Frame]
    let session: SampleDatagrams

    init() throws {
        // The responder sends a keepalive of its own, to confirm the keys.
        frames = try Samples.frames().filter { $0.opcode != .keepalive }
        session = try SampleDatagrams(frames)
    }

    private func capture(
        _ datagrams: [(isBack: Bool, bytes: ByteBuffer)], _ link: PacketBuilder.Link = .ethernet, isIPv6: Bool = false
    ) -> ByteBuffer {
        var capture = PacketBuilder(link, isIPv6: isIPv6)
        for (isBack, bytes) in datagrams { capture.datagram(.init(isBack: isBack), bytes) }
        return capture.bytes
    }

    private func sent(_ decoded: Decoded) -> [ByteBuffer] {
        decoded.frames.filter { FrameHeader($0)?.opcode != .keepalive }
    }

    @Test("With the keys each datagram shows its frame", arguments: [false, true], [1, Int.max])
    func opened(isIPv6: Bool, pieceSize: Int) throws {
        let input = capture(session.datagrams, isIPv6 ? .linuxCooked2 : .null, isIPv6: isIPv6)
        let decoded = try Decoded(input, pieceSize: pieceSize, session.options)
        #expect(sent(decoded) == frames.map { Samples.bytes([$0]) })
        #expect(decoded.kinds.prefix(3) == ["handshake-1", "handshake-2", "handshake-3"])
        #expect(decoded.units.allSatisfy { $0.problem == nil } && decoded.gaps.isEmpty)
        #expect(decoded.records.compactMap(\.stream).allSatisfy { $0.number == 1 && $0.transport == .udp })
        #expect(decoded.original == input && encoded(decoded.json).bytes == input)
    }

    @Test("Without them, the handshake and the sizes of what follows")
    func sealed() throws {
        let decoded = try Decoded(capture(session.datagrams))
        #expect(decoded.kinds.dropFirst(3).allSatisfy { $0 == "record" } && decoded.kinds.count > frames.count)
    }

    @Test("Lost, repeated and reordered datagrams, and another port, hide nothing else")
    func disorder() throws {
        var capture = PacketBuilder()
        for (isBack, bytes) in session.datagrams.prefix(3) { capture.datagram(.init(isBack: isBack), bytes) }
        let rest = session.datagrams.dropFirst(5).reversed()
        for (isBack, bytes) in rest { capture.datagram(.init(isBack: isBack), bytes, port: 50_000) }
        for (isBack, bytes) in rest { capture.datagram(.init(isBack: isBack), bytes) }
        let decoded = try Decoded(capture.bytes, session.options)
        #expect(decoded.frames.count == rest.count * 2 && decoded.gaps.isEmpty)
        #expect(decoded.units.allSatisfy { !$0.failsCheck })
    }

    @Test("A forged datagram is said to be one")
    func forged() throws {
        var datagrams = session.datagrams
        let last = datagrams.count - 1
        let place = datagrams[last].bytes.writerIndex - 1
        let byte: UInt8 = datagrams[last].bytes.getInteger(at: place) ?? 0
        datagrams[last].bytes.setInteger(byte ^ 1, at: place)
        let decoded = try Decoded(capture(datagrams), session.options)
        #expect(decoded.units.count { $0.failsCheck } == 1)
        #expect(sent(decoded).count == frames.count - 1)
    }

    @Test("Of datagrams that a snap length cuts it says how much there was, and what is whole is shown")
    func cut() throws {
        // Headers and 80 bytes: enough of an initiation, too little of the answers to it and of most data.
        var short = PacketBuilder()
        for (isBack, bytes) in session.datagrams { short.datagram(.init(isBack: isBack), bytes, keeping: 46 + 80) }
        let decoded = try Decoded(short.bytes, session.options)
        let whole = session.datagrams.filter { $0.bytes.readableBytes <= 80 }
        #expect(decoded.kinds.first == "handshake-1" && decoded.units.allSatisfy { !$0.failsCheck })
        #expect(decoded.kinds.count { $0 == "record" } == whole.count && decoded.frames.count == whole.count)
        let sizes = session.datagrams.map { UInt64($0.bytes.readableBytes) }
        #expect(decoded.gaps.map(\.length) == [1120] + sizes.dropFirst().filter { $0 > 80 })
        #expect(decoded.original == short.bytes)
        // Of less, not even whose it is.
        var bare = PacketBuilder()
        for (isBack, bytes) in session.datagrams { bare.datagram(.init(isBack: isBack), bytes, keeping: 46 + 40) }
        #expect(try Decoded(bare.bytes, session.options).units.isEmpty)
    }

    @Test("A datagram whose length contradicts its packet's is malformed, not cut", arguments: [false, true])
    func malformed(isIPv6: Bool) throws {
        let said = "malformed datagram: its length says more than its packet holds"
        let (isBack, first) = try #require(session.datagrams.first)
        var capture = PacketBuilder(isIPv6: isIPv6)
        capture.datagram(.init(isBack: isBack), first, excess: 10)
        for (isBack, bytes) in session.datagrams.dropFirst() {
            capture.datagram(.init(isBack: isBack), bytes, excess: 7)
        }
        let decoded = try Decoded(capture.bytes, session.options)
        #expect(decoded.kinds == ["handshake-1"] && decoded.gaps.count == session.datagrams.count)
        #expect(decoded.gaps.allSatisfy { $0.reason == said })
        #expect(
            decoded.gaps.map(\.length) == [10]
                + session.datagrams.dropFirst().map { UInt64($0.bytes.readableBytes + 7) })
        // Cut by the snap length, and honest about its length: short is all that it is.
        var short = PacketBuilder(isIPv6: isIPv6)
        for (isBack, bytes) in session.datagrams { short.datagram(.init(isBack: isBack), bytes, keeping: 66 + 80) }
        #expect(try Decoded(short.bytes, session.options).gaps.allSatisfy { $0.reason != said })
    }

    @Test("Of QUIC it says how much there is, and of other datagrams nothing")
    func others() throws {
        let query = ByteBuffer(bytes: [5, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0x77, 0x77, 0x77, 0, 0, 1, 0, 1])
        var initial = ByteBuffer(bytes: [0xc3, 0, 0, 0, 1, 8])
        initial.writeRepeatingByte(7, count: 1194)
        let short = ByteBuffer(repeating: 0x41, count: 100)
        let decoded = try Decoded(
            capture([(false, query), (true, query), (true, short), (false, initial), (true, initial), (false, short)]))
        #expect(decoded.units.isEmpty)
        #expect(decoded.gaps.map(\.length) == [1300, 1200])
        #expect(decoded.records.compactMap { $0.stream?.transport } == [.quic, .quic])
    }

    @Test("Datagrams of unknown sessions, and beginnings without end, cost little and show nothing false")
    func strangers() throws {
        var capture = PacketBuilder()
        guard var initiation = session.datagrams.first?.bytes else { return }
        for number in 0..<5000 {
            initiation.setInteger(UInt32(number), at: initiation.readerIndex + 1, endianness: .little)
            capture.datagram(.init(), initiation)
        }
        for (isBack, bytes) in session.datagrams.dropFirst(3) { capture.datagram(.init(isBack: isBack), bytes) }
        let decoded = try Decoded(capture.bytes, session.options)
        #expect(decoded.units.count == 5000 && decoded.frames.isEmpty)
    }
}
