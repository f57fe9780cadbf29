import Carrier
import Glibc
import Synchronization

/// Watches over a running command from the main thread: signals, the deadline, the reader of stdout.
///
/// The first reason to stop cancels the command's task; two seconds later, or at a second signal, the process ends
/// whether the command is done or not.
final class Supervisor: Sendable {
    /// How long a command may clean up.
    static let grace: Duration = .seconds(2)

    private struct State {
        var reason: StopReason?
        var command: Task<Void, Never>?
        var status: (@Sendable () -> String)?
    }

    private let state = Mutex(State())
    private let reader: Int32
    private let writer: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) != 0 {
            Diagnostics.line("cannot watch signals: \(Descriptors.reason(errno))")
            Signals.exit(.bug)
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (reader, writer) = (ends[0], ends[1])
    }

    /// Why the command was stopped; nil while nothing stopped it.
    var reason: StopReason? { state.withLock { $0.reason } }

    /// Says what SIGQUIT prints; called on the main thread.
    func describeStatus(_ status: @escaping @Sendable () -> String) {
        state.withLock { $0.status = status }
    }

    /// Stops the command; only the first reason counts.
    func stop(_ reason: StopReason) {
        let command = state.withLock { state -> Task<Void, Never>? in
            if state.reason != nil { return nil }
            state.reason = reason
            return state.command
        }
        command?.cancel()
        // Wakes the main thread, which gives the command its two seconds.
        var wake: UInt8 = 0
        _ = write(writer, &wake, 1)
    }

    /// Runs the command on the task pool and watches over it. `body` ends the process.
    ///
    /// - Parameters:
    ///   - readerPatience: how long the command goes on when nobody reads stdout any more; nil: that is not watched.
    ///   - giveUp: ends the process when the command does not.
    func run(
        deadline: Duration?, readerPatience: Duration?, _ body: @escaping @Sendable () async -> Void,
        status: (String) -> Void, giveUp: (StopReason) -> Never
    ) -> Never {
        let start = ContinuousClock.now
        Signals.deliver(to: writer)
        // Threads inherit what is held here: signals interrupt this one only.
        Signals.hold(true)
        let command = Task.detached { await body() }
        let isStopped = state.withLock { state in
            state.command = command
            return state.reason != nil
        }
        if isStopped { command.cancel() }
        Signals.hold(false)

        var watchesReader = readerPatience != nil && StreamDescriptor.hasOtherEnd(STDOUT_FILENO)
        var limit: ContinuousClock.Instant?
        var readerLimit: ContinuousClock.Instant?
        while true {
            let reason = self.reason
            if reason != nil && limit == nil { limit = .now + Self.grace }
            let next = limit ?? deadline.map { start + $0 }
            if let next, next <= .now {
                if let reason { giveUp(reason) }
                stop(.deadline)
                continue
            }
            if let readerLimit, readerLimit <= .now { stop(.readerGone) }
            let pending = reason == nil ? readerLimit : nil
            let events = wait(until: [next, pending].compactMap { $0 }.min(), watchesReader)
            if events.readerGone {
                watchesReader = false
                readerLimit = .now + (readerPatience ?? .zero)
            }
            for signal in events.signals { take(signal, status) }
        }
    }

    private func take(_ signal: Int32, _ status: (String) -> Void) {
        if signal == SIGQUIT {
            status(state.withLock { $0.status }?() ?? "running")
        } else if Signals.stopping.contains(signal) {
            if case .signal = reason { Signals.die(of: signal) }
            stop(.signal(signal))
        }
    }

    private func wait(
        until limit: ContinuousClock.Instant?, _ watchesReader: Bool
    ) -> (signals: [Int32], readerGone: Bool) {
        // Asking stdout for no event still reports errors: a pipe that lost its reader, a socket that was closed.
        var descriptors = [
            pollfd(fd: reader, events: Int16(POLLIN), revents: 0),
            pollfd(fd: watchesReader ? STDOUT_FILENO : -1, events: 0, revents: 0),
        ]
        let left = limit.map { (($0 - .now).milliseconds + 1).clamped(to: 0...86_400_000) }
        if poll(&descriptors, 2, left.map { Int32($0) } ?? -1) < 0 { return ([], false) }
        var signals: [Int32] = []
        var byte: UInt8 = 0
        while read(reader, &byte, 1) == 1 {
            if byte != 0 { signals.append(Int32(byte)) }
        }
        return (signals, descriptors[1].revents != 0)
    }
}

extension Double {
    fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}
