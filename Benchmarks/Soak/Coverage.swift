internal import Carrier
internal import Synchronization

/// Which nodes got which broadcast. A broadcast is judged when repair has had its time, by the nodes that lived all the while.
final class Coverage: Sendable {
    private struct State {
        var got: [UInt64: Set<Int>] = [:]
        var due = 0
        var reached = 0
        var doubled = 0
        var sent = 0
    }

    private let state = Mutex(State())

    /// How many broadcasts were judged, and of all nodes that should have had them the share that did.
    var figures: (sent: Int, share: Double, doubled: Int) {
        state.withLock { ($0.sent, $0.due == 0 ? 1 : Double($0.reached) / Double($0.due), $0.doubled) }
    }

    func began(_ number: UInt64) { state.withLock { $0.got[number] = [] } }

    func received(_ number: UInt64, by node: Int) {
        state.withLock { state in
            if state.got[number]?.insert(node).inserted == false { state.doubled += 1 }
        }
    }

    func judge(_ number: UInt64, nodes: Set<Int>) {
        state.withLock { state in
            guard let got = state.got.removeValue(forKey: number) else { return }
            state.sent += 1
            state.due += nodes.count
            state.reached += nodes.intersection(got).count
        }
    }
}
