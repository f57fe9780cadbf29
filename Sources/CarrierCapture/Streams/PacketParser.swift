internal import CarrierWire
internal import NIOCore

/// One TCP segment of a captured packet.
struct TCPSegment {
    struct Flags: OptionSet {
        let rawValue: UInt8
        static let fin = Flags(rawValue: 0x01)
        static let syn = Flags(rawValue: 0x02)
        static let rst = Flags(rawValue: 0x04)
        static let ack = Flags(rawValue: 0x10)
    }

    let source: Endpoint
    let destination: Endpoint
    let sequence: UInt32
    let acknowledgement: UInt32
    let flags: Flags
    /// The payload that the capture holds: a snap length may have cut it.
    let payload: ByteBuffer
}

/// One UDP datagram of a captured packet.
struct UDPDatagram {
    let source: Endpoint
    let destination: Endpoint
    /// The payload that the capture holds.
    let payload: ByteBuffer
    /// How many bytes more it says it has.
    let missing: Int
    /// Whether nobody cut them off: its length contradicts that of the packets around it, and no system takes it.
    let isMalformed: Bool
}

/// What an IP packet carries.
enum IPPayload {
    case tcp(TCPSegment)
    case udp(UDPDatagram)
}

/// Finds TCP segments and UDP datagrams in packets; every read is checked, so hostile packets merely hold none.
enum PacketParser {
    /// Link types (https://www.tcpdump.org/linktypes.html), as libpcap names them on this system.
    enum Link: Int32 {
        case null = 0
        case ethernet = 1
        case raw = 12
        case rawFile = 101
        case loop = 108
        case linuxCooked = 113
        case user0 = 147
        case ipv4 = 228
        case ipv6 = 229
        case linuxCooked2 = 276
    }

    private static let etherIPv4: UInt16 = 0x0800
    private static let etherIPv6: UInt16 = 0x86dd

    /// What a packet carries; nil for packets of any other kind.
    ///
    /// - Parameter isCut: whether the capture holds less of it than there was.
    static func payload(of packet: ByteBuffer, link: Link, isCut: Bool) -> IPPayload? {
        var packet = packet
        switch link {
        case .user0: return nil
        case .raw, .rawFile, .ipv4, .ipv6: break
        case .null, .loop: packet.skip(4)
        case .ethernet:
            packet.skip(12)
            guard isIP(&packet) else { return nil }
        case .linuxCooked:
            packet.skip(14)
            guard isIP(&packet) else { return nil }
        case .linuxCooked2:
            guard let type = packet.readInteger(as: UInt16.self), type == etherIPv4 || type == etherIPv6 else {
                return nil
            }
            packet.skip(18)
        }
        // The version is in the first byte; what the link says of it differs from system to system.
        switch packet.getInteger(at: packet.readerIndex, as: UInt8.self).map({ $0 >> 4 }) {
        case 4: return ipv4(packet, isCut: isCut)
        case 6: return ipv6(packet, isCut: isCut)
        default: return nil
        }
    }

    /// Reads an EtherType, through VLAN tags.
    private static func isIP(_ packet: inout ByteBuffer) -> Bool {
        for _ in 0..<3 {
            switch packet.readInteger(as: UInt16.self) {
            case etherIPv4, etherIPv6: return true
            case 0x8100, 0x88a8, 0x9100: packet.skip(2)
            default: return false
            }
        }
        return false
    }

    private static func ipv4(_ packet: ByteBuffer, isCut: Bool) -> IPPayload? {
        let start = packet.readerIndex
        guard
            let first = packet.getInteger(at: start, as: UInt8.self),
            let total = packet.getInteger(at: start + 2, as: UInt16.self),
            let fragment = packet.getInteger(at: start + 6, as: UInt16.self),
            let proto = packet.getInteger(at: start + 9, as: UInt8.self),
            let source = packet.getInteger(at: start + 12, as: UInt32.self),
            let destination = packet.getInteger(at: start + 16, as: UInt32.self)
        else { return nil }
        let header = Int(first & 15) * 4
        // A fragment holds no whole segment; TCP avoids them by path MTU discovery, carrier's datagrams by their size.
        guard header >= 20, fragment & 0x3fff == 0 else { return nil }
        // A length of 0 is what segmentation offload leaves in packets over 64 KiB.
        let length = total == 0 ? packet.readableBytes : min(Int(total), packet.readableBytes)
        guard
            length >= header, let payload = packet.getSlice(at: start + header, length: length - header)
        else { return nil }
        return transport(proto, payload, isCut ? cut(total, length) : 0, .v4(source), .v4(destination))
    }

    private static func ipv6(_ packet: ByteBuffer, isCut: Bool) -> IPPayload? {
        var packet = packet
        guard
            let _: UInt32 = packet.readInteger(), let total: UInt16 = packet.readInteger(),
            var next: UInt8 = packet.readInteger(), let _: UInt8 = packet.readInteger(),
            let source = address(&packet), let destination = address(&packet)
        else { return nil }
        let length = total == 0 ? packet.readableBytes : min(Int(total), packet.readableBytes)
        guard var payload = packet.readSlice(length: length) else { return nil }
        // Hop-by-hop, routing and destination options may stand before it.
        for _ in 0..<8 where next == 0 || next == 43 || next == 60 {
            guard let following: UInt8 = payload.readInteger(), let size: UInt8 = payload.readInteger() else {
                return nil
            }
            next = following
            payload.skip(Int(size) * 8 + 6)
        }
        return transport(next, payload, isCut ? cut(total, length) : 0, source, destination)
    }

    /// How many bytes of an IP packet of that length are missing where so many are there; without one, as many as may be.
    private static func cut(_ total: UInt16, _ length: Int) -> Int { total == 0 ? .max : Int(total) - length }

    private static func address(_ packet: inout ByteBuffer) -> IPAddress? {
        guard let high: UInt64 = packet.readInteger(), let low: UInt64 = packet.readInteger() else { return nil }
        return .v6(high: high, low: low)
    }

    /// - Parameter cut: how many bytes of the IP packet the capture does not hold.
    private static func transport(
        _ proto: UInt8, _ bytes: ByteBuffer, _ cut: Int, _ source: IPAddress, _ destination: IPAddress
    ) -> IPPayload? {
        switch proto {
        case 6: tcp(bytes, source, destination).map { .tcp($0) }
        case 17: udp(bytes, cut, source, destination).map { .udp($0) }
        default: nil
        }
    }

    private static func udp(
        _ bytes: ByteBuffer, _ cut: Int, _ source: IPAddress, _ destination: IPAddress
    ) -> UDPDatagram? {
        var bytes = bytes
        guard
            let sourcePort: UInt16 = bytes.readInteger(), let destinationPort: UInt16 = bytes.readInteger(),
            let length: UInt16 = bytes.readInteger(), let _: UInt16 = bytes.readInteger(), length >= 8,
            let payload = bytes.readSlice(length: min(Int(length) - 8, bytes.readableBytes))
        else { return nil }
        let missing = Int(length) - 8 - payload.readableBytes
        return UDPDatagram(
            source: Endpoint(address: source, port: sourcePort),
            destination: Endpoint(address: destination, port: destinationPort), payload: payload,
            missing: missing, isMalformed: missing > cut)
    }

    private static func tcp(_ bytes: ByteBuffer, _ source: IPAddress, _ destination: IPAddress) -> TCPSegment? {
        var bytes = bytes
        guard
            let sourcePort: UInt16 = bytes.readInteger(), let destinationPort: UInt16 = bytes.readInteger(),
            let sequence: UInt32 = bytes.readInteger(), let acknowledgement: UInt32 = bytes.readInteger(),
            let size: UInt8 = bytes.readInteger(), let flags: UInt8 = bytes.readInteger()
        else { return nil }
        let options = Int(size >> 4) * 4 - 14
        guard options >= 6, bytes.readableBytes >= options else { return nil }
        bytes.moveReaderIndex(forwardBy: options)
        return TCPSegment(
            source: Endpoint(address: source, port: sourcePort),
            destination: Endpoint(address: destination, port: destinationPort),
            sequence: sequence, acknowledgement: acknowledgement, flags: TCPSegment.Flags(rawValue: flags),
            payload: bytes)
    }
}

extension ByteBuffer {
    /// Passes over bytes, to the end at most.
    fileprivate mutating func skip(_ count: Int) { moveReaderIndex(forwardBy: min(count, readableBytes)) }
}
