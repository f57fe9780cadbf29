internal import Glibc

/// An IPv4 or IPv6 address, and what kind of place it names.
public enum IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// Four bytes, the first one highest.
    case v4(UInt32)
    /// Sixteen bytes, the first one highest.
    case v6(high: UInt64, low: UInt64)

    /// Reads dotted or colon notation; nil for anything else, names included.
    public init?(_ text: String) {
        // C would stop reading there, and call what comes before an address.
        guard !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self = .v4(UInt32(bigEndian: four.s_addr))
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self = withUnsafeBytes(of: six) { IPAddress(sixteen: $0) }
        } else {
            return nil
        }
    }

    /// From network byte order; IPv4-mapped addresses become IPv4.
    private init(sixteen raw: UnsafeRawBufferPointer) {
        let high = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        let low = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        self = high == 0 && low >> 32 == 0xffff ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high: high, low: low)
    }

    /// What an address can be used for.
    public enum Scope: Sendable {
        /// 0.0.0.0 and ::, multicast, broadcast, reserved: never dialled.
        case unusable
        /// This machine.
        case loopback
        /// This link only.
        case linkLocal
        /// A private network (RFC 1918, RFC 6598, RFC 4193).
        case privateNetwork
        /// The internet.
        case global
    }

    /// Which scope the address has (IANA special-purpose registries).
    public var scope: Scope {
        switch self {
        case .v4(let bits): Self.scope(ofIPv4: bits)
        case .v6(let high, let low): Self.scope(ofIPv6: high, low)
        }
    }

    private static func scope(ofIPv4 bits: UInt32) -> Scope {
        func lies(in network: UInt32, _ length: UInt32) -> Bool { (bits ^ network) >> (32 - length) == 0 }
        if lies(in: 0x7f00_0000, 8) { return .loopback }
        if lies(in: 0x0000_0000, 8) || lies(in: 0xe000_0000, 3) { return .unusable }
        if lies(in: 0xa9fe_0000, 16) { return .linkLocal }
        if lies(in: 0x0a00_0000, 8) || lies(in: 0xac10_0000, 12) || lies(in: 0xc0a8_0000, 16)
            || lies(in: 0x6440_0000, 10)
        {
            return .privateNetwork
        }
        return .global
    }

    private static func scope(ofIPv6 high: UInt64, _ low: UInt64) -> Scope {
        if high == 0 && low == 1 { return .loopback }
        // ::/96 is unspecified or long deprecated; ff00::/8 is multicast.
        if (high == 0 && low >> 32 == 0) || high >> 56 == 0xff { return .unusable }
        if high >> 54 == 0xfe80 >> 6 { return .linkLocal }
        // fc00::/7, and fec0::/10 that came before it.
        if high >> 57 == 0xfc >> 1 || high >> 54 == 0xfec0 >> 6 { return .privateNetwork }
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address inside.
        if high == 0x0064_ff9b << 32 && low >> 32 == 0 { return scope(ofIPv4: UInt32(truncatingIfNeeded: low)) }
        if high >> 48 == 0x2002 { return scope(ofIPv4: UInt32(truncatingIfNeeded: high >> 16)) }
        return .global
    }

    /// The network whose hosts count as one neighbour: /24 of IPv4, /48 of IPv6.
    public var subnet: IPAddress {
        switch self {
        case .v4(let bits): .v4(bits & 0xffff_ff00)
        case .v6(let high, _): .v6(high: high & 0xffff_ffff_ffff_0000, low: 0)
        }
    }

    /// The network that one customer usually has: one address of IPv4, /56 of IPv6.
    public var site: IPAddress {
        switch self {
        case .v4: self
        case .v6(let high, _): .v6(high: high & 0xffff_ffff_ffff_ff00, low: 0)
        }
    }

    public var description: String {
        switch self {
        case .v4(let bits): return "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
        case .v6(let high, let low):
            var address = in6_addr()
            withUnsafeMutableBytes(of: &address) { raw in
                raw.storeBytes(of: high.bigEndian, as: UInt64.self)
                raw.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
