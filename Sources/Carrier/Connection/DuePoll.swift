/// The session whose link is polled when the loop has nothing else to do.
final class DuePoll {
    private let executor: EventLoopExecutor
    private let flushes: FlushQueue
    private var session: SessionLink?

    init(executor: EventLoopExecutor, flushes: FlushQueue) {
        self.executor = executor
        self.flushes = flushes
    }

    /// Whether a run must be scheduled for it.
    func aim(at session: SessionLink) -> Bool {
        defer { self.session = session }
        return self.session == nil
    }

    /// Polls, unless tasks or frames came up since: they go first.
    func run() {
        guard let session = session.take(), executor.isIdle, flushes.isEmpty else { return }
        session.pollLink()
    }
}
