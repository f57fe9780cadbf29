import NIOCore

/// Writes captures of connections packet by packet, as tcpdump would.
struct PacketBuilder {
    enum Link: UInt32, CaseIterable {
        case null = 0
        case ethernet = 1
        case raw = 101
        case loop = 108
        case linuxCooked = 113
        case linuxCooked2 = 276
    }

    struct Flags {
        static let fin: UInt8 = 1
        static let syn: UInt8 = 2
        static let rst: UInt8 = 4
        static let ack: UInt8 = 16
    }

    let link: Link
    let isIPv6: Bool
    var bytes = ByteBuffer()

    init(_ link: Link = .ethernet, isIPv6: Bool = false) {
        self.link = link
        self.isIPv6 = isIPv6
        bytes.writeInteger(0xa1b2_c3d4, endianness: .little, as: UInt32.self)
        bytes.writeInteger(2, endianness: .little, as: UInt16.self)
        bytes.writeInteger(4, endianness: .little, as: UInt16.self)
        bytes.writeInteger(0, as: UInt64.self)
        bytes.writeInteger(262_144, endianness: .little, as: UInt32.self)
        bytes.writeInteger(link.rawValue, endianness: .little)
    }

    /// One direction of a connection: 0 is the dialler's.
    struct Direction {
        var connection: UInt16 = 1
        var isBack = false
    }

    /// Adds a segment.
    mutating func segment(
        _ direction: Direction, sequence: UInt32, ack: UInt32? = nil, flags: UInt8 = 0, _ payload: ByteBuffer,
        keeping kept: Int = .max
    ) {
        var tcp = ByteBuffer()
        let ports = (40000 + direction.connection, UInt16(4000))
        tcp.writeInteger(direction.isBack ? ports.1 : ports.0)
        tcp.writeInteger(direction.isBack ? ports.0 : ports.1)
        tcp.writeInteger(sequence)
        tcp.writeInteger(ack ?? 0)
        tcp.writeInteger(UInt8(5 << 4))
        tcp.writeInteger(flags | (ack == nil ? 0 : Flags.ack))
        tcp.writeInteger(0x7fff_0000_0000, as: UInt64.self, size: 6)
        tcp.writeImmutableBuffer(payload)
        packet(direction, proto: 6, tcp, keeping: kept)
    }

    /// Adds a UDP datagram, from another port of the sender's where `port` says so, as much of the packet as is kept; its
    /// length says `excess` bytes more than there are.
    mutating func datagram(
        _ direction: Direction, _ payload: ByteBuffer, port: UInt16? = nil, keeping kept: Int = .max, excess: Int = 0
    ) {
        let ports = (port ?? 40000 + direction.connection, UInt16(4000))
        var udp = ByteBuffer()
        udp.writeInteger(direction.isBack ? ports.1 : ports.0)
        udp.writeInteger(direction.isBack ? ports.0 : ports.1)
        udp.writeInteger(UInt16(payload.readableBytes + excess + 8))
        udp.writeInteger(0, as: UInt16.self)
        udp.writeImmutableBuffer(payload)
        packet(direction, proto: 17, udp, keeping: kept)
    }

    private mutating func packet(
        _ direction: Direction, proto: UInt8, _ payload: ByteBuffer, keeping kept: Int = .max
    ) {
        var packet = linkHeader
        ipHeader(&packet, proto, payload.readableBytes, isBack: direction.isBack)
        packet.writeImmutableBuffer(payload)
        // Short Ethernet frames are padded; the padding is no payload.
        if link == .ethernet, packet.readableBytes < 60 {
            packet.writeRepeatingByte(0xee, count: 60 - packet.readableBytes)
        }
        add(packet, keeping: kept)
    }

    /// Adds any packet.
    mutating func add(_ packet: ByteBuffer, keeping kept: Int = .max) {
        let count = min(kept, packet.readableBytes)
        bytes.writeInteger(0, as: UInt64.self)
        bytes.writeInteger(UInt32(count), endianness: .little)
        bytes.writeInteger(UInt32(packet.readableBytes), endianness: .little)
        bytes.writeBytes(packet.readableBytesView.prefix(count))
    }

    private var linkHeader: ByteBuffer {
        var header = ByteBuffer()
        let type: UInt16 = isIPv6 ? 0x86dd : 0x0800
        switch link {
        case .null: header.writeInteger(isIPv6 ? 10 : 2, endianness: .little, as: UInt32.self)
        case .loop: header.writeInteger(isIPv6 ? 24 : 2, as: UInt32.self)
        case .raw: break
        case .ethernet:
            header.writeRepeatingByte(2, count: 12)
            header.writeInteger(0x8100, as: UInt16.self)
            header.writeInteger(5, as: UInt16.self)
            header.writeInteger(type)
        case .linuxCooked:
            header.writeRepeatingByte(0, count: 14)
            header.writeInteger(type)
        case .linuxCooked2:
            header.writeInteger(type)
            header.writeRepeatingByte(0, count: 18)
        }
        return header
    }

    private func ipHeader(_ packet: inout ByteBuffer, _ proto: UInt8, _ count: Int, isBack: Bool) {
        let hosts: [UInt8] = isBack ? [2, 1] : [1, 2]
        if isIPv6 {
            packet.writeInteger(0x6000_0000, as: UInt32.self)
            packet.writeInteger(UInt16(count + 8))
            packet.writeInteger(60, as: UInt8.self)
            packet.writeInteger(64, as: UInt8.self)
            for host in hosts { packet.writeBytes([0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [host]) }
            // Destination options before the payload.
            packet.writeBytes([proto, 0, 1, 4, 0, 0, 0, 0])
        } else {
            packet.writeBytes([0x45, 0])
            packet.writeInteger(UInt16(count + 20))
            packet.writeBytes([0, 0, 0x40, 0, 64, proto, 0, 0])
            for host in hosts { packet.writeBytes([192, 0, 2, host]) }
        }
    }
}

extension ByteBuffer {
    /// The lowest `size` bytes of an integer, big-endian.
    fileprivate mutating func writeInteger(_ value: UInt64, as: UInt64.Type, size: Int) {
        for index in (0..<size).reversed() { writeInteger(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }
}

extension PacketBuilder {
    /// A segment to be put into a capture in any order.
    struct Segment {
        var direction: Direction
        var sequence: UInt32
        var ack: UInt32?
        var flags: UInt8 = 0
        var payload: ByteBuffer
    }

    mutating func add(_ segments: [Segment]) {
        for segment in segments {
            self.segment(
                segment.direction, sequence: segment.sequence, ack: segment.ack, flags: segment.flags, segment.payload)
        }
    }

    /// The packets of a whole connection: handshake of TCP, the session's pieces in segments of `size`, both ends' FIN.
    static func segments(
        _ session: SampleSession, connection: UInt16 = 1, size: Int = 1448, start: UInt32 = 0xffff_ff00
    ) -> [Segment] {
        let there = Direction(connection: connection)
        let back = Direction(connection: connection, isBack: true)
        var next: [UInt32] = [start, 77]
        var segments = [
            Segment(direction: there, sequence: next[0], flags: Flags.syn, payload: ByteBuffer()),
            Segment(direction: back, sequence: next[1], ack: next[0] &+ 1, flags: Flags.syn, payload: ByteBuffer()),
        ]
        next = [next[0] &+ 1, next[1] &+ 1]
        // The handshake's three steps, then the initiator's records and the responder's.
        let order =
            [(0, session.fromInitiator[0]), (1, session.fromResponder[0]), (0, session.fromInitiator[1])]
            + session.fromInitiator.dropFirst(2).map { (0, $0) } + session.fromResponder.dropFirst().map { (1, $0) }
        for (side, piece) in order {
            var rest = piece
            while let part = rest.readSlice(length: min(size, rest.readableBytes))?.nonEmpty {
                segments.append(
                    Segment(
                        direction: side == 0 ? there : back, sequence: next[side], ack: next[1 - side], payload: part))
                next[side] = next[side] &+ UInt32(part.readableBytes)
            }
        }
        for side in 0..<2 {
            segments.append(
                Segment(
                    direction: side == 0 ? there : back, sequence: next[side], ack: next[1 - side], flags: Flags.fin,
                    payload: ByteBuffer()))
            next[side] = next[side] &+ 1
        }
        return segments
    }
}
