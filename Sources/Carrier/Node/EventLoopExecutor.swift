internal import DequeModule
public import NIOCore

/// Runs tasks on an event loop: with it as a task's preferred executor, calls of a node of that loop need no change of
/// thread.
public final class EventLoopExecutor: TaskExecutor {
    let loop: any EventLoop

    /// Jobs that were made ready on the loop and wait for their turn: one call of the loop runs them all.
    private struct Jobs {
        var waiting: Deque<UnownedJob> = []
        /// Whether a run comes without another call.
        var isRunDue = false
        /// Jobs that other threads brought.
        var calls: UInt64 = 0
    }
    private let jobs: NIOLoopBoundBox<Jobs>

    /// Runs tasks on this loop.
    public init(_ loop: any EventLoop) {
        self.loop = loop
        jobs = NIOLoopBoundBox.makeBoxSendingValue(Jobs(), eventLoop: loop)
    }

    /// Whether no job waits for its turn on the loop.
    var isIdle: Bool { jobs.value.waiting.isEmpty }

    /// How many jobs other threads have brought.
    var calls: UInt64 { jobs.value.calls }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard loop.inEventLoop else {
            return loop.execute {
                self.jobs.value.calls &+= 1
                job.runSynchronously(on: self.asUnownedTaskExecutor())
            }
        }
        jobs.value.waiting.append(job)
        guard !jobs.value.isRunDue else { return }
        jobs.value.isRunDue = true
        loop.execute { self.run() }
    }

    /// Calls `body` on the loop, then runs the jobs that it made ready, with no way round through the loop.
    func gather(_ body: () -> Void) {
        guard !jobs.value.isRunDue else { return body() }
        jobs.value.isRunDue = true
        body()
        run()
    }

    /// Runs the jobs at hand; those that they make ready have their turn after what else the loop has to do.
    private func run() {
        jobs.value.isRunDue = false
        let executor = asUnownedTaskExecutor()
        for _ in 0..<jobs.value.waiting.count {
            jobs.value.waiting.popFirst()?.runSynchronously(on: executor)
        }
    }
}
