public import CarrierWire
internal import NIOCore

/// The addresses of this machine.
public enum LocalAddresses {
    /// Where a socket that is bound to `address` can be dialled: the address itself, or, where it stands for all interfaces, the
    /// address of each, loopback first, then the internet, then private networks. Link-local addresses are left out, for they
    /// mean nothing without an interface.
    public static func dialable(_ address: Address) -> [Address] {
        guard let ip = address.ip, ip.scope == .unusable else { return [address] }
        let takesIPv6 = if case .v6 = ip { true } else { false }
        let devices = (try? System.enumerateDevices()) ?? []
        var found: [IPAddress] = []
        for text in devices.compactMap({ $0.address?.ipAddress }) {
            guard let ip = IPAddress(String(text.prefix { $0 != "%" })), !found.contains(ip) else { continue }
            if case .v6 = ip, !takesIPv6 { continue }
            found.append(ip)
        }
        let order: [IPAddress.Scope] = [.loopback, .global, .privateNetwork]
        return order.flatMap { scope in found.filter { $0.scope == scope } }.map { ip in
            Address(scheme: address.scheme, peer: address.peer, host: ip.description, port: address.port)
        }
    }
}
