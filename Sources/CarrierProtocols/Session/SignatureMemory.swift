internal import CarrierCrypto
internal import CarrierWire
internal import DequeModule
internal import NIOCore
internal import Synchronization

/// What peers signed and was found good lately, so that it need not be checked again.
///
/// Checking a signature takes a hundred times as long as looking here. A peer that comes again brings the same record and static
/// key until it is started anew or moves: a node which thousands come back to at once has half the work. And every answer of a
/// lookup brings records that others have told already. Only what held is remembered, as a hash of all that was checked; when it
/// is full, the oldest goes.
public final class SignatureMemory: Sendable {
    /// What was checked: what held as one thing says nothing about another.
    enum Kind: UInt8 {
        /// A peer's record and its word for a Noise static key.
        case noise
        /// A peer's record, over a link that has authenticated the peer itself.
        case certified
        /// A record that another told.
        case record
    }

    private struct State {
        var known: Set<Bytes32> = []
        /// The known in the order in which they came.
        var order: Deque<Bytes32> = []
    }

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: how much is remembered at most, about 100 bytes each; 0 for nothing.
    public init(limit: Int) { self.limit = max(0, limit) }

    /// Stands for what was checked: all that was signed, the signatures, and what they are about.
    static func digest(_ kind: Kind, of write: (inout Writer) -> Void) -> Bytes32 {
        var writer = Writer()
        writer.u8(kind.rawValue)
        write(&writer)
        return writer.buffer.withUnsafeReadableBytes { SHA256.hash($0) }
    }

    func contains(_ digest: Bytes32) -> Bool { state.withLock { $0.known.contains(digest) } }

    /// Remembers something whose signatures held.
    func insert(_ digest: Bytes32) {
        guard limit > 0 else { return }
        state.withLock { state in
            guard state.known.insert(digest).inserted else { return }
            state.order.append(digest)
            if state.order.count > limit, let oldest = state.order.popFirst() { state.known.remove(oldest) }
        }
    }
}
