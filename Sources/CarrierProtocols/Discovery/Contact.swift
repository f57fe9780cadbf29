public import CarrierCrypto
public import CarrierWire

/// A peer as the routing table knows it. Kept to 64 bytes: a node holds some hundreds of them.
public struct Contact: Sendable {
    /// Its place in the key space.
    public let nodeID: NodeID
    /// Its newest record.
    public internal(set) var verified: VerifiedRecord
    /// The subnet that the contact was met in; `exempt` for loopback and private networks.
    let subnet: Subnet
    /// When it was last heard of; after a failure, when it last failed.
    public internal(set) var changed: Instant
    /// Failures in a row; more than zero makes a suspect.
    public internal(set) var failures: UInt8
    /// Where the one who told us of it stood.
    public let reach: Reach

    init(
        _ verified: VerifiedRecord, subnet: Subnet, reach: Reach, now: Instant, failures: UInt8 = 0
    ) {
        nodeID = verified.nodeID
        self.verified = verified
        self.subnet = subnet
        self.reach = reach
        changed = now
        self.failures = failures
    }

    /// The newest record as it was published.
    public var record: PeerRecord { verified.record }
    /// Its public key.
    public var peer: PeerID { verified.peer }
    /// Whether it did not answer the last time: not told to others, and asked last.
    public var isSuspect: Bool { failures > 0 }
}

/// A network whose hosts count as one neighbourhood in the diversity limits: a /24 of IPv4, a /48 of IPv6.
struct Subnet: Hashable, Sendable {
    private let key: UInt64

    /// Loopback, private networks and what has no address: not limited.
    static let exempt = Subnet(key: 0)

    private init(key: UInt64) { self.key = key }

    init(_ ip: IPAddress?) {
        guard let ip, Reach(ip) == .internet else {
            self = .exempt
            return
        }
        switch ip.subnet {
        case .v4(let bits): self.init(key: UInt64(bits >> 8) | 1 << 62)
        case .v6(let high, _): self.init(key: high >> 16 | 1 << 63)
        }
    }
}
