internal import NIOCore

/// Wakes its owner at the earliest of many deadlines, on its event loop. Moving a deadline later costs nothing: the alarm
/// goes off at the old time, the owner looks, and says when to look again.
struct Alarm {
    private let loop: any EventLoop
    private var task: Scheduled<Void>?
    private var wakesAt: NIODeadline = .distantFuture

    init(loop: any EventLoop) { self.loop = loop }

    /// Whether there is nothing to set: the owner looks at `deadline` or before.
    func goesOff(by deadline: NIODeadline) -> Bool { wakesAt <= deadline }

    /// Makes sure that `look` is called at `deadline` or before.
    mutating func set(at deadline: NIODeadline, look: @escaping () -> Void) {
        guard !goesOff(by: deadline) else { return }
        task?.cancel()
        wakesAt = deadline
        task = loop.assumeIsolated().scheduleTask(deadline: deadline, look)
    }

    /// The owner looks now: the next `set` begins anew.
    mutating func hasGoneOff() {
        task = nil
        wakesAt = .distantFuture
    }

    mutating func cancel() {
        task?.cancel()
        hasGoneOff()
    }
}
