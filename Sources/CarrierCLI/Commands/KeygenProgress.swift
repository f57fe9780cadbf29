import CarrierCrypto
import Glibc

/// A search for an identity that shows how it gets on.
struct KeygenProgress: Sendable {
    private let machine: IdentitySearch
    private let console: Console
    private let started = ContinuousClock.now

    init(_ difficulty: Puzzle.Difficulty, _ threads: Int, _ console: Console) {
        machine = IdentitySearch(difficulty, threads: threads)
        self.console = console
    }

    /// Runs the search; progress goes to a terminal, and to stderr at SIGQUIT.
    func search() async throws -> (identity: Identity, tries: UInt64, elapsed: Duration) {
        console.supervisor.describeStatus { self.line }
        let identity = try await withThrowingTaskGroup(of: Identity?.self) { group in
            group.addTask { try await machine.run() }
            if console.diagnostics.showsProgress {
                group.addTask {
                    while true {
                        try await Task.sleep(for: .milliseconds(500))
                        console.diagnostics.progress(line)
                    }
                }
            }
            defer { group.cancelAll() }
            guard let found = try await group.next(), let identity = found else { throw CancellationError() }
            return identity
        }
        console.diagnostics.endProgress()
        let progress = machine.progress
        return (identity, progress.keyTries + progress.nonceTries, .now - started)
    }

    /// Rate, and the share of searches that would be done by now: a memoryless search has no time of arrival.
    private var line: String {
        let progress = machine.progress
        let seconds = max((ContinuousClock.now - started).milliseconds / 1000, 0.001)
        if progress.nonceTries > 0 {
            return summary("nonces", progress.nonceTries, machine.difficulty.dynamicBits, seconds)
        }
        return summary("keys", progress.keyTries, machine.difficulty.staticBits, seconds)
    }

    private func summary(_ unit: String, _ tries: UInt64, _ bits: Int, _ seconds: Double) -> String {
        // 1 - (1 - 2^-c)^tries, by way of logarithms so that large c and small shares come out right.
        let share = -expm1(Double(tries) * log1p(-exp2(-Double(bits))))
        let percent = (share.isFinite ? share : 1) * 100
        return
            "\(tries) \(unit), \(Int(Double(tries) / seconds))/s; \(Int(percent.rounded()))% of searches would be done"
    }
}

/// An identity that was made or read.
struct IdentityRecord: Record {
    static var type: StaticString { "identity" }
    private let identity: Identity
    private let path: String
    private let tries: UInt64?
    private let elapsed: Duration?

    init(_ identity: Identity, path: String, tries: UInt64? = nil, elapsed: Duration? = nil) {
        self.identity = identity
        self.path = path
        self.tries = tries
        self.elapsed = elapsed
    }

    func encode(into line: inout JSONLine) {
        let solved = identity.solved
        line.add("public_key", "\(identity.peerID)")
        line.add("node_id", "\(identity.nodeID)")
        line.add("static_bits", solved.staticBits)
        line.add("dynamic_bits", solved.dynamicBits)
        line.add("path", path)
        if let tries { line.add("tries", tries) }
        if let elapsed { line.add("elapsed_ms", milliseconds: elapsed) }
    }

    func text(_ style: Style) -> String? { "\(identity.peerID)" }
}
