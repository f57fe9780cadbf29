internal import CarrierWire

/// An http address on a gateway: the only kind that is ever asked.
struct HTTPURL: Equatable, CustomStringConvertible {
    let host: IPAddress
    let port: UInt16
    let path: String

    /// Reads `http://IPV4[:PORT][/PATH]`; nil for anything else: other schemes, names, control characters.
    init?(_ text: String) {
        let scheme = "http://"
        guard text.utf8.count <= 1024, text.lowercased().hasPrefix(scheme),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, parts.count <= 2, case .v4(let bits) = IPAddress(String(name)) else { return nil }
        var port: UInt16 = 80
        if parts.count == 2 {
            guard let number = UInt16(parts[1]), number > 0 else { return nil }
            port = number
        }
        host = .v4(bits)
        self.port = port
        let tail = rest.dropFirst(authority.count).prefix { $0 != "#" }
        path = tail.hasPrefix("/") ? String(tail) : "/" + tail
    }

    var description: String { "http://\(host):\(port)\(path)" }
}
