internal import CNATPMP
internal import CarrierWire
internal import Glibc

/// A descriptor that closes itself.
struct Descriptor: ~Copyable {
    let raw: Int32

    /// Opens an IPv4 socket that never blocks.
    init(_ type: __socket_type) throws(NATError) {
        raw = socket(AF_INET, Int32(type.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if raw < 0 { throw .network("no socket: \(lastError())") }
    }

    deinit { if raw >= 0 { close(raw) } }

    /// Connects; a TCP connection is then on its way.
    func connect(to address: IPAddress, port: UInt16) throws(NATError) {
        guard case .v4(let bits) = address else { throw .network("\(address): gateways are asked over IPv4 only") }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = bits.bigEndian
        let code = withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code != 0 && errno != EINPROGRESS { throw .network("cannot reach \(address): \(lastError())") }
    }

    /// The address of this end.
    func localAddress() throws(NATError) -> IPAddress {
        var place = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(raw, $0, &length) }
        }
        guard code == 0 else { throw .network("no local address: \(lastError())") }
        return .v4(UInt32(bigEndian: place.sin_addr.s_addr))
    }

    /// Waits until one of `events` or an error is there; false when patience is over.
    func wait(for events: Int32, _ patience: Patience) -> Bool {
        while !patience.isOver {
            var entry = pollfd(fd: raw, events: Int16(events), revents: 0)
            if poll(&entry, 1, patience.slice) > 0 { return true }
        }
        return false
    }
}

/// What `errno` says.
func lastError() -> String { String(cString: strerror(errno)) }

extension IPAddress {
    /// Our address on the way to `gateway`.
    static func local(toward gateway: IPAddress) throws(NATError) -> IPAddress {
        let socket = try Descriptor(SOCK_DGRAM)
        try socket.connect(to: gateway, port: 9)
        return try socket.localAddress()
    }
}
