public import CarrierCrypto

/// Where a node can be dialled: `SCHEME://[PEERID@]HOST:PORT` (carrier-wire(7) §3).
public struct Address: Hashable, Sendable, CustomStringConvertible {
    /// Which transport reaches the address: `tcp`, `udp`, `quic`, or one that an application brings.
    public struct Scheme: Hashable, Sendable, CustomStringConvertible {
        /// As it is written, in small letters.
        public let name: String
        /// The scheme of this name; a transport of an application may have one of its own.
        public init(_ name: String) { self.name = name }
        /// Streams over TCP, sealed with Noise.
        public static let tcp = Scheme("tcp")
        /// Single messages over UDP, sealed with Noise.
        public static let udp = Scheme("udp")
        /// Streams over QUIC.
        public static let quic = Scheme("quic")
        public var description: String { name }
    }

    /// How to connect.
    public var scheme: Scheme
    /// The peer that must answer; nil for any.
    public var peer: PeerID?
    /// A name or an IP address; IPv6 without brackets.
    public var host: String
    /// 0, for listening only, is any free port.
    public var port: UInt16

    /// An address of its parts; the host is not checked.
    public init(scheme: Scheme, peer: PeerID? = nil, host: String, port: UInt16) {
        self.scheme = scheme
        self.peer = peer
        self.host = host
        self.port = port
    }

    /// The same address, pinned to `peer`.
    public func pinned(to peer: PeerID?) -> Address {
        var address = self
        address.peer = peer
        return address
    }

    /// The host as an IP address; nil for a name.
    public var ip: IPAddress? { IPAddress(host) }

    public var description: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return "\(scheme)://\(peer.map { "\($0)@" } ?? "")\(name):\(port)"
    }
}

/// A text that is no address: what was expected, what was there.
public struct AddressError: Error, Equatable, CustomStringConvertible {
    /// What could stand there.
    public let expected: String
    /// What stands there.
    public let got: String

    public var description: String {
        "expected \(expected), got \"\(got)\"; write SCHEME://[PEERID@]HOST:PORT, like tcp://127.0.0.1:4000"
    }
}

extension Address {
    /// Reads an address.
    public init(_ text: String) throws(AddressError) {
        guard let mark = text.range(of: "://"), mark.lowerBound > text.startIndex else {
            throw AddressError(expected: "an address with a scheme", got: text)
        }
        let scheme = text[..<mark.lowerBound]
        guard scheme.utf8.allSatisfy({ ($0 >= 0x61 && $0 <= 0x7a) || ($0 >= 0x30 && $0 <= 0x39) }) else {
            throw AddressError(expected: "a lower-case scheme", got: String(scheme))
        }
        var rest = text[mark.upperBound...]
        var peer: PeerID?
        if let at = rest.firstIndex(of: "@") {
            guard let id = PeerID(hex: rest[..<at]) else {
                throw AddressError(expected: "a peer id of 64 hex digits before @", got: String(rest[..<at]))
            }
            peer = id
            rest = rest[rest.index(after: at)...]
        }
        guard let colon = rest.lastIndex(of: ":") else {
            throw AddressError(expected: "a port after the host", got: String(rest))
        }
        let digits = rest[rest.index(after: colon)...]
        guard digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits) else {
            throw AddressError(expected: "a port from 0 to 65535", got: String(digits))
        }
        let host = try Self.host(rest[..<colon])
        self.init(scheme: Scheme(String(scheme)), peer: peer, host: host, port: port)
    }

    private static func host(_ text: Substring) throws(AddressError) -> String {
        if text.hasPrefix("[") && text.hasSuffix("]") {
            let inner = String(text.dropFirst().dropLast())
            // A zone (%eth0) is for the socket to understand; the address before it must be IPv6.
            let parts = inner.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
            let isZone = parts.dropFirst().allSatisfy { zone in
                !zone.isEmpty && zone.utf8.allSatisfy { Self.isPlain($0) && !#"[]%:"#.utf8.contains($0) }
            }
            guard let bare = parts.first, bare.contains(":"), IPAddress(String(bare)) != nil, isZone else {
                throw AddressError(expected: "an IPv6 address in brackets", got: String(text))
            }
            return inner
        }
        guard !text.isEmpty, text.utf8.allSatisfy({ Self.isPlain($0) && !#"[]%:"#.utf8.contains($0) }) else {
            throw AddressError(
                expected: "a host name, an IPv4 address or an IPv6 address in brackets", got: String(text))
        }
        return String(text)
    }

    /// Whether a byte is printable ASCII that means nothing in an address.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && !#"/?#@\"#.utf8.contains(byte)
    }
}

extension String {
    /// The first place where `other` stands.
    fileprivate func range(of other: String) -> Range<String.Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(other) { return index..<self.index(index, offsetBy: other.count) }
            index = self.index(after: index)
        }
        return nil
    }
}
