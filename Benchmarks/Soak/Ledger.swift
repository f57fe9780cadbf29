internal import Carrier
internal import Synchronization

/// What was sent, what arrived and what was acknowledged: the promise that the soak is about. It remembers a message only
/// while somebody waits for its acknowledgement.
final class Ledger: Sendable {
    struct Counts {
        /// Messages that were acknowledged, and had arrived whole.
        var kept = 0
        /// Bytes of those.
        var bytes = 0
        /// Acknowledged, and never arrived.
        var lost = 0
        /// Arrived twice.
        var doubled = 0
        /// Arrived with other bytes.
        var damaged = 0
        /// Failed: the sender knows that they may not have arrived.
        var failed = 0
    }

    private struct State {
        var counts = Counts()
        /// Messages on their way, and whether they arrived.
        var open: [UInt64: Bool] = [:]
        var lastNumber: UInt64 = 0
    }

    private let state = Mutex(State())

    var counts: Counts { state.withLock { $0.counts } }

    func received(_ entry: Entry) {
        let isIntact = entry.isIntact
        state.withLock { state in
            if !isIntact { state.counts.damaged += 1 }
            switch state.open[entry.number] {
            case true?: state.counts.doubled += 1
            case false?: state.open[entry.number] = true
            // Its sender has given up waiting.
            case nil: break
            }
        }
    }

    /// Sends a message of so many bytes and waits for its acknowledgement.
    func send(_ size: Int, to peer: Peer) async throws {
        let number = state.withLock { state in
            state.lastNumber += 1
            state.open[state.lastNumber] = false
            return state.lastNumber
        }
        do {
            try await peer.send(Entry(number, size: size), acknowledged: true)
            state.withLock { state in
                if state.open.removeValue(forKey: number) == true {
                    state.counts.kept += 1
                    state.counts.bytes += size
                } else {
                    state.counts.lost += 1
                }
            }
        } catch {
            state.withLock { state in
                state.open[number] = nil
                state.counts.failed += 1
            }
            throw error
        }
    }
}
