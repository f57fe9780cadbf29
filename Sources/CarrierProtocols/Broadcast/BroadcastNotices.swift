public import CarrierCrypto
public import CarrierWire
public import NIOCore

/// A message that somebody told everyone.
public struct BroadcastReceived: Notice {
    public let origin: PeerID
    public let id: Broadcast.ID
    /// How many nodes passed it on before it came here.
    public let hops: Int
    /// The application's opcode.
    public let message: Opcode
    public let codec: Codec
    public let body: ByteBuffer
}

/// A message of our own has left: every first delegate has acknowledged, or nobody of its bucket did.
public struct BroadcastSent: Notice {
    /// What `BroadcastTree.broadcast` returned.
    public let ticket: Ticket
    public let id: Broadcast.ID
    /// Buckets that had a node to delegate to, times β.
    public let asked: Int
    /// Those in which somebody acknowledged.
    public let acknowledged: Int
}

/// How far a message of our own went, as the nodes that passed it on report it.
public struct BroadcastReported: Notice {
    public let ticket: Ticket
    public let id: Broadcast.ID
    public let asked: Int
    public let acknowledged: Int
    /// Nodes that got it, this one not counted.
    public let reached: Int
    /// How often somebody got it again.
    public let duplicates: Int
    /// The greatest number of hops.
    public let depth: Int
    /// Whether every delegate has reported; otherwise time was up and the numbers are a lower bound.
    public let isComplete: Bool
    /// From the first send on.
    public let elapsed: Duration
}
