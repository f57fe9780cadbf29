public import CarrierCrypto
public import CarrierWire

/// A peer record whose signature and puzzles have been checked: nothing else enters a routing table or a lookup.
///
/// Shared by everything that knows the peer, so that a node holds each record once.
public final class VerifiedRecord: Sendable, Hashable {
    /// The record as it was published.
    public let record: PeerRecord
    /// The peer's place in the key space.
    public let nodeID: NodeID
    /// Up to which reach the record may be told on; nil for nobody.
    let tellable: Reach?
    /// From tellers up to which reach the record has an address worth having; nil for none.
    let usable: Reach?

    /// Takes a record that has been checked already.
    private init(checked record: PeerRecord) {
        self.record = record
        nodeID = record.peer.nodeID
        (tellable, usable) = record.reaches
    }

    /// Checks puzzles and signature, the cheaper first; nil when either fails.
    public convenience init?(_ record: PeerRecord, _ difficulty: Puzzle.Difficulty) {
        guard record.solves(difficulty), record.isSignatureValid else { return nil }
        self.init(checked: record)
    }

    /// Checks the puzzles of a record whose signature is known to hold; nil when they are not solved.
    fileprivate convenience init?(solved record: PeerRecord, _ difficulty: Puzzle.Difficulty) {
        guard record.solves(difficulty) else { return nil }
        self.init(checked: record)
    }

    /// The record of a connected peer: the handshake has checked it.
    convenience init(provedBy info: PeerInfo) { self.init(checked: info.record) }

    /// Whose it is.
    public var peer: PeerID { record.peer }
    /// Whether a teller with this reach can have told an address of the record in good faith.
    func isUsable(toldAt reach: Reach) -> Bool { usable.map { $0 >= reach } ?? false }
    /// Whether the peer is a client, which nobody can dial and no table holds.
    public var isClient: Bool { record.addresses.isEmpty }

    public static func == (left: VerifiedRecord, right: VerifiedRecord) -> Bool {
        left === right || left.record == right.record
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(record) }
}

/// Checks peer records that others tell. Nodes use `SignatureVerifier`; a simulation may share one memory of checks
/// among its nodes.
public protocol RecordVerifier: Sendable {
    /// The record to keep; nil when its puzzles or its signature do not hold.
    func verify(_ record: PeerRecord) -> VerifiedRecord?
}

/// Checks records by their signatures: about 70 µs each, unless they have been checked lately.
public struct SignatureVerifier: RecordVerifier {
    /// The network's least puzzles.
    public let difficulty: Puzzle.Difficulty
    private let memory: SignatureMemory

    /// Checks signatures, and both puzzles at least that hard.
    ///
    /// - Parameters:
    ///   - difficulty: the network's least puzzles; default 8 and 8 bits.
    ///   - memory: what need not be checked again; default one of its own for 4 096 records.
    public init(
        _ difficulty: Puzzle.Difficulty = Puzzle.Difficulty(), memory: SignatureMemory = SignatureMemory(limit: 4096)
    ) {
        self.difficulty = difficulty
        self.memory = memory
    }

    public func verify(_ record: PeerRecord) -> VerifiedRecord? {
        let digest = SignatureMemory.digest(.record) { record.write(to: &$0) }
        guard !memory.contains(digest) else { return VerifiedRecord(solved: record, difficulty) }
        guard let verified = VerifiedRecord(record, difficulty) else { return nil }
        memory.insert(digest)
        return verified
    }
}
