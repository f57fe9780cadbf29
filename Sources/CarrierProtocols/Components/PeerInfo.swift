public import CarrierCrypto
public import CarrierWire

/// A connected peer as components see it.
public struct PeerInfo: Hashable, Sendable {
    /// What the peer proved to be; its addresses are its own word.
    public let record: PeerRecord
    /// Where the link leads, as this side sees it, pinned to the peer.
    public let address: Address
    /// How the peer sees this side.
    public let observedAddress: String
    /// The peer's program and version.
    public let agent: String
    /// Whether this side dialled.
    public let isOutbound: Bool

    /// The public key that the peer proved to hold.
    public var peer: PeerID { record.peer }

    /// What a handshake found out.
    public init(record: PeerRecord, address: Address, observedAddress: String, agent: String, isOutbound: Bool) {
        self.record = record
        self.address = address
        self.observedAddress = observedAddress
        self.agent = agent
        self.isOutbound = isOutbound
    }
}
