public import CarrierCrypto
public import CarrierProtocols
public import CarrierWire
internal import NIOConcurrencyHelpers

/// Checks each record once for all nodes of a simulation, and keeps one copy of it.
///
/// The check is the production one; only its memory is shared, for ten thousand nodes that check the same signature ten
/// thousand times would measure nothing but the signature. Its lock is one that the thread sanitizer knows.
public final class SharedVerifier: RecordVerifier {
    private let verifier: SignatureVerifier
    private let checked = NIOLockedValueBox<[PeerID: VerifiedRecord]>([:])

    public init(_ difficulty: Puzzle.Difficulty) { verifier = SignatureVerifier(difficulty) }

    public func verify(_ record: PeerRecord) -> VerifiedRecord? {
        checked.withLockedValue { checked in
            if let known = checked[record.peer], known.record == record { return known }
            guard let verified = verifier.verify(record) else { return nil }
            if let known = checked[record.peer], known.record.sequence > record.sequence { return verified }
            checked[record.peer] = verified
            return verified
        }
    }
}
