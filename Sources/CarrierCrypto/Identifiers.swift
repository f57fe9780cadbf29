/// A peer's Ed25519 public key: its name on the network, written as 64 hex digits.
public struct PeerID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The 32 bytes of the key.
    public let bytes: Bytes32

    /// The id with these 32 bytes: a public key.
    public init(_ bytes: Bytes32) { self.bytes = bytes }

    /// Reads 64 hex digits of either case; nil for anything else.
    public init?(hex: some StringProtocol) {
        guard let bytes = Bytes32(hex: hex) else { return nil }
        self.bytes = bytes
    }

    /// The node's place in the key space: the SHA-256 of the public key.
    public var nodeID: NodeID { NodeID(SHA256.hash(bytes)) }

    public static func < (left: PeerID, right: PeerID) -> Bool { left.bytes < right.bytes }
    public var description: String { bytes.description }

    /// The first 8 hex digits: enough for a log line, never for a decision.
    public var short: String { String(description.prefix(8)) }
}

/// A place in the S/Kademlia key space, 256 bits.
public struct NodeID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The 32 bytes of the id.
    public let bytes: Bytes32

    /// The id with these 32 bytes: a place in the key space.
    @inlinable
    public init(_ bytes: Bytes32) { self.bytes = bytes }

    /// Reads 64 hex digits of either case; nil for anything else.
    public init?(hex: some StringProtocol) {
        guard let bytes = Bytes32(hex: hex) else { return nil }
        self.bytes = bytes
    }

    /// The XOR distance to another id; distances compare as numbers.
    @inlinable
    public func distance(to other: NodeID) -> Bytes32 { bytes ^ other.bytes }

    /// The number of the bucket that `other` falls into here: i where its distance lies in [2^i, 2^(i+1)); nil for
    /// this id itself.
    @inlinable
    public func bucket(of other: NodeID) -> Int? {
        let zeros = distance(to: other).leadingZeroBitCount
        return zeros == 256 ? nil : 255 - zeros
    }

    @inlinable
    public static func < (left: NodeID, right: NodeID) -> Bool { left.bytes < right.bytes }
    public var description: String { bytes.description }
}
