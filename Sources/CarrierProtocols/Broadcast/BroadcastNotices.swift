public import CarrierCrypto
public import CarrierWire
public import NIOCore

/// A message that somebody told everyone.
public struct BroadcastReceived: Notice {
    /// Who told it; its signature holds.
    public let origin: PeerID
    /// Names the broadcast.
    public let id: Broadcast.ID
    /// How many nodes passed it on before it came here.
    public let hops: Int
    /// The application's opcode.
    public let message: Opcode
    /// How the body is encoded.
    public let codec: Codec
    /// The application's bytes.
    public package(set) var body: ByteBuffer
}

/// One of the nodes to whom a message of our own was given, and what came back of it.
public struct BroadcastDelegate: Hashable, Sendable {
    /// What a delegate says of the part of the tree below it, itself included.
    public struct Report: Hashable, Sendable {
        /// Nodes that got the message.
        public let reached: Int
        /// How often somebody got it again.
        public let duplicates: Int
        /// The greatest number of hops from us.
        public let depth: Int
    }

    /// Which bucket it has the task of: its distance to us lies in [2^bucket, 2^(bucket+1)).
    public let bucket: Int
    /// Who took it on; nil: nobody of the bucket answered.
    public let peer: PeerID?
    /// Its report; nil: none was asked for, or none came in time.
    public let report: Report?
}

/// A message of our own has left: every first delegate has acknowledged, or nobody of its bucket did.
public struct BroadcastSent: Notice {
    /// What `BroadcastTree.broadcast` returned.
    public let ticket: Ticket
    /// Names the broadcast.
    public let id: Broadcast.ID
    /// Buckets that had a node to delegate to, times β.
    public let asked: Int
    /// Those in which somebody acknowledged.
    public let acknowledged: Int
    /// Who took each task on.
    public let delegates: [BroadcastDelegate]
}

/// How far a message of our own went, as the nodes that passed it on report it.
public struct BroadcastReported: Notice {
    /// What `BroadcastTree.broadcast` returned.
    public let ticket: Ticket
    /// Names the broadcast.
    public let id: Broadcast.ID
    /// Buckets that had a node to delegate to, times β.
    public let asked: Int
    /// Those in which somebody acknowledged.
    public let acknowledged: Int
    /// Who took each task on, with its report; two where a replaced delegate answered late.
    public let delegates: [BroadcastDelegate]
    /// Nodes that got it, this one not counted.
    public let reached: Int
    /// How often somebody got it again.
    public let duplicates: Int
    /// The greatest number of hops.
    public let depth: Int
    /// Whether everybody who may have taken the message on has reported. Otherwise time was up, or a delegate stayed silent
    /// and was replaced, and the numbers are a lower bound.
    public let isComplete: Bool
    /// From the first send on.
    public let elapsed: Duration
}
