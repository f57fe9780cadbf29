public import NIOCore

/// Runs tasks on an event loop: with it as a task's preferred executor, calls of a node of that loop need no change of
/// thread.
public final class EventLoopExecutor: TaskExecutor {
    let loop: any EventLoop

    /// Runs tasks on this loop.
    public init(_ loop: any EventLoop) { self.loop = loop }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        loop.execute { job.runSynchronously(on: executor) }
    }
}
