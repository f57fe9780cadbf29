public import CarrierWire
internal import Glibc
public import NIOCore
internal import NIOPosix

/// Which addresses a dial may use.
public enum AddressFamily: Hashable, Sendable {
    /// Both; what the name has, in the system's order.
    case any
    /// IPv4 alone.
    case v4
    /// IPv6 alone.
    case v6
}

/// Turns an address with a name into addresses with IP hosts, through the system's resolver on a thread of its own.
public struct NameResolver: Sendable {
    /// A resolver; it has no state of its own.
    public init() {}

    /// The addresses behind `address`, IPv6 and IPv4 in turns (RFC 8305 §4); an IP host resolves to itself at once.
    ///
    /// - Throws (in the future): `LinkError.nameNotFound`.
    public func resolve(_ address: Address, family: AddressFamily, loop: any EventLoop) -> EventLoopFuture<[Address]> {
        if let ip = address.ip {
            return Self.keep([ip], family).isEmpty
                ? loop.makeFailedFuture(LinkError.nameNotFound("\(address.host) in the wanted family"))
                : loop.makeSucceededFuture([address])
        }
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            let found = Self.keep(Self.lookUp(address.host), family)
            guard !found.isEmpty else { throw LinkError.nameNotFound(address.host) }
            return found.map { ip in
                Address(scheme: address.scheme, peer: address.peer, host: ip.description, port: address.port)
            }
        }
    }

    private static func keep(_ addresses: [IPAddress], _ family: AddressFamily) -> [IPAddress] {
        var six: [IPAddress] = []
        var four: [IPAddress] = []
        for address in addresses {
            switch address {
            case .v4: four.append(address)
            case .v6: six.append(address)
            }
        }
        switch family {
        case .v4: return four
        case .v6: return six
        case .any:
            return (0..<max(six.count, four.count)).flatMap {
                Array(six.dropFirst($0).prefix(1)) + Array(four.dropFirst($0).prefix(1))
            }
        }
    }

    private static func lookUp(_ host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var entry = list
        while let each = entry {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let status = getnameinfo(
                each.pointee.ai_addr, each.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if status == 0, let ip = IPAddress(name), !found.contains(ip) { found.append(ip) }
            entry = each.pointee.ai_next
        }
        return found
    }
}
