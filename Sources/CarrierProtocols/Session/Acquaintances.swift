internal import CarrierCrypto
internal import CarrierWire
internal import DequeModule
internal import NIOCore
internal import Synchronization

/// The words of peers about themselves that were found true lately.
///
/// Checking a word's two signatures is half of what a handshake costs. A peer that comes again brings the same word until it
/// is started anew or moves, so that a node which thousands of peers come back to at once has half the work. Only what held is
/// remembered, as a hash of all that was checked; when it is full, the oldest goes.
public final class Acquaintances: Sendable {
    private struct State {
        var known: Set<Bytes32> = []
        /// The known in the order in which they came.
        var order: Deque<Bytes32> = []
    }

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: words remembered at most, about 100 bytes each; 0 for none.
    public init(limit: Int) { self.limit = max(0, limit) }

    /// What stands for a word, and for the static key that it vouches for.
    static func digest(of hello: Hello, staticKey: Bytes32?) -> Bytes32 {
        var writer = Writer()
        writer.raw32(staticKey ?? .zero)
        writer.raw(hello.staticKeySignature)
        hello.record.write(to: &writer)
        return writer.buffer.withUnsafeReadableBytes { SHA256.hash($0) }
    }

    func contains(_ digest: Bytes32) -> Bool { state.withLock { $0.known.contains(digest) } }

    /// Remembers a word whose signatures held.
    func insert(_ digest: Bytes32) {
        guard limit > 0 else { return }
        state.withLock { state in
            guard state.known.insert(digest).inserted else { return }
            state.order.append(digest)
            if state.order.count > limit, let oldest = state.order.popFirst() { state.known.remove(oldest) }
        }
    }
}
