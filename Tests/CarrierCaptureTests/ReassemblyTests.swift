import CarrierCapture
import CarrierWire
import NIOCore
import Testing

@Suite("TCP streams put back together")
struct ReassemblyTests {
    private let frames: [Frame]
    private let session: SampleSession

    init() throws {
        frames = (1...32).map {
            Ping(payload: ByteBuffer(repeating: UInt8($0), count: 40 * Int($0))).frame(flags: .request, nonce: $0)
        }
        session = try SampleSession(initiator: frames, responder: [Disconnect(.shutdown, "bye").frame()])
    }

    private func decode(_ segments: [PacketBuilder.Segment], _ link: PacketBuilder.Link = .ethernet) throws -> Decoded {
        var packets = PacketBuilder(link)
        packets.add(segments)
        let decoded = try Decoded(packets.bytes, session.options)
        #expect(decoded.original == packets.bytes)
        return decoded
    }

    private var sent: [ByteBuffer] { (frames + [Disconnect(.shutdown, "bye").frame()]).map { Samples.bytes([$0]) } }

    private func expectWhole(_ decoded: Decoded, _ comment: Comment? = nil) {
        #expect(decoded.frames == sent, comment)
        #expect(decoded.gaps.isEmpty, comment)
        #expect(
            decoded.kinds.prefix(6) == ["preface", "handshake-1", "preface", "handshake-2", "handshake-3", "record"])
    }

    @Test("Every link type, IPv4 and IPv6", arguments: PacketBuilder.Link.allCases, [false, true])
    func links(link: PacketBuilder.Link, isIPv6: Bool) throws {
        var packets = PacketBuilder(link, isIPv6: isIPv6)
        packets.add(PacketBuilder.segments(session))
        expectWhole(try Decoded(packets.bytes, session.options))
    }

    @Test("A growing capture gives each record with its packet's last byte")
    func growing() throws {
        var packets = PacketBuilder()
        packets.add(PacketBuilder.segments(session))
        expectWhole(try Decoded(packets.bytes, pieceSize: 1, session.options))
    }

    @Test("Segments out of order", arguments: 0..<6)
    func outOfOrder(seed: Int) throws {
        var random = SeededRandom(UInt64(seed))
        var segments = PacketBuilder.segments(session)
        // Data segments move a few places; no acknowledgement tells of them before they come.
        for index in 3..<(segments.count - 8) where Bool.random(using: &random) {
            segments.swapAt(index, index + Int.random(in: 0...4, using: &random))
        }
        for index in segments.indices where index > 2 { segments[index].ack = nil }
        let decoded = try decode(segments)
        #expect(decoded.frames.count == sent.count)
        #expect(Set(decoded.frames) == Set(sent))
        #expect(decoded.gaps.isEmpty)
    }

    @Test("Retransmissions, whole, in part and overlapping", arguments: 0..<6)
    func retransmissions(seed: Int) throws {
        var random = SeededRandom(UInt64(seed) + 100)
        var segments: [PacketBuilder.Segment] = []
        for segment in PacketBuilder.segments(session, size: 700) {
            segments.append(segment)
            guard let old = segments.filter({ $0.payload.readableBytes > 1 }).randomElement(using: &random) else {
                continue
            }
            let start = Int.random(in: 0..<old.payload.readableBytes, using: &random)
            var again = old
            again.sequence = old.sequence &+ UInt32(start)
            again.payload.moveReaderIndex(forwardBy: start)
            segments.append(again)
        }
        expectWhole(try decode(segments))
    }

    @Test("The first bytes of an overlap stand")
    func overlap() throws {
        var segments = PacketBuilder.segments(session, size: 500)
        let index = segments.count - 6
        // A lie: the same place with other bytes, behind the true ones.
        var lie = segments[index]
        lie.payload = ByteBuffer(repeating: 0xbd, count: lie.payload.readableBytes)
        segments.insert(lie, at: index + 1)
        expectWhole(try decode(segments))
    }

    @Test("Several connections at once, woven together")
    func several() throws {
        let sessions = try (0..<3).map { _ in try SampleSession(initiator: frames, responder: []) }
        let rows = sessions.enumerated().map { index, session in
            PacketBuilder.segments(session, connection: UInt16(index))
        }
        var packets = PacketBuilder()
        for place in 0..<(rows.map(\.count).max() ?? 0) {
            packets.add(rows.compactMap { place < $0.count ? $0[place] : nil })
        }
        var options = CaptureDecoder.Options()
        options.keys = { ephemeral in sessions.compactMap { $0.keyLog[ephemeral] }.first }
        let decoded = try Decoded(packets.bytes, options)
        #expect(decoded.frames.count == 3 * frames.count)
        #expect(decoded.gaps.isEmpty)
        #expect(Set(decoded.records.compactMap { $0.stream?.number }) == [1, 2, 3])
    }

    @Test("A port used again is another connection")
    func portReuse() throws {
        let other = try SampleSession(initiator: Array(frames.prefix(2)), responder: [])
        var packets = PacketBuilder()
        packets.add(PacketBuilder.segments(session))
        packets.add(PacketBuilder.segments(other, start: 5))
        let decoded = try Decoded(packets.bytes, session.options)
        #expect(decoded.kinds.filter { $0 == "handshake-1" }.count == 2)
        #expect(Set(decoded.records.compactMap { $0.stream?.number }) == [1, 2])
    }

    @Test("A lost segment inside a record costs that record; the next ones open", arguments: [5, 6, 9, 12, 17, 23])
    func lostInside(position: Int) throws {
        var segments = PacketBuilder.segments(session, size: 300)
        let data = segments.indices.filter { !segments[$0].direction.isBack && segments[$0].payload.readableBytes > 0 }
        let lost = segments.remove(at: data[data.count - position])
        let decoded = try decode(segments)
        // 300 bytes may hold the ends of two records and a small one between them.
        #expect(decoded.frames.count >= sent.count - 3)
        #expect(Set(decoded.frames).isSubset(of: Set(sent)))
        let gap = decoded.gaps.first { $0.reason == "lost segment" }
        #expect(gap?.length == UInt64(lost.payload.readableBytes))
        #expect(decoded.units.allSatisfy { $0.problem == nil })
    }

    @Test("A lost run of whole records is found again by the key")
    func lostRun() throws {
        var segments = PacketBuilder.segments(session, size: 60_000)
        let data = segments.indices.filter { !segments[$0].direction.isBack && segments[$0].payload.readableBytes > 0 }
        segments.removeSubrange(data[10]...data[14])
        let decoded = try decode(segments)
        #expect(decoded.frames.count == sent.count - 5)
        #expect(decoded.gaps.map(\.reason) == ["lost segment"])
    }

    @Test("Without the key, records are found again by their lengths")
    func lostWithoutKey() throws {
        var segments = PacketBuilder.segments(session, size: 60_000)
        let data = segments.indices.filter { !segments[$0].direction.isBack && segments[$0].payload.readableBytes > 0 }
        segments.removeSubrange(data[10]...data[14])
        var packets = PacketBuilder()
        packets.add(segments)
        let decoded = try Decoded(packets.bytes)
        #expect(decoded.kinds.filter { $0 == "record" }.count == sent.count - 5)
    }

    @Test("A capture that begins in the middle shows the records' sizes")
    func middle() throws {
        let segments = PacketBuilder.segments(session, size: 60_000)
        let decoded = try decode(Array(segments.dropFirst(12)))
        #expect(decoded.frames.isEmpty)
        #expect(decoded.kinds.filter { $0 == "record" }.count > 20)
    }

    @Test("A snap length that cuts packets is a loss, not an end")
    func snapLength() throws {
        var packets = PacketBuilder()
        for segment in PacketBuilder.segments(session, size: 60_000) {
            packets.segment(
                segment.direction, sequence: segment.sequence, ack: segment.ack, flags: segment.flags, segment.payload,
                keeping: 400)
        }
        let decoded = try Decoded(packets.bytes, session.options)
        #expect(decoded.original == packets.bytes)
        #expect(decoded.gaps.contains { $0.reason == "lost segment" })
        #expect(decoded.frames.count > 5)
        #expect(Set(decoded.frames).isSubset(of: Set(sent)))
    }

    @Test("Other protocols and packets that are no TCP disturb nothing")
    func others() throws {
        var packets = PacketBuilder()
        var random = SeededRandom(5)
        for segment in PacketBuilder.segments(session) {
            packets.add([segment])
            packets.add(ByteBuffer(bytes: random.bytes(Int.random(in: 0...200, using: &random))))
            var other = PacketBuilder.Direction(connection: 9)
            other.isBack = Bool.random(using: &random)
            packets.segment(other, sequence: random.next().low, ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
        }
        let decoded = try Decoded(packets.bytes, session.options)
        #expect(decoded.frames == sent)
        #expect(decoded.original == packets.bytes)
    }

    @Test("A reset ends a connection; what waits is judged")
    func reset() throws {
        let all = PacketBuilder.segments(session, size: 300)
        // A full segment has the rest of its record behind it.
        let last = try #require(all.indices.first { $0 > 20 && all[$0].payload.readableBytes == 300 })
        var segments = Array(all[...last])
        segments.append(
            PacketBuilder.Segment(
                direction: PacketBuilder.Direction(), sequence: 0, flags: PacketBuilder.Flags.rst, payload: ByteBuffer()
            ))
        let decoded = try decode(segments)
        #expect(decoded.gaps.contains { $0.reason.hasPrefix("cut short") })
    }
}

extension UInt64 {
    fileprivate var low: UInt32 { UInt32(truncatingIfNeeded: self) }
}
