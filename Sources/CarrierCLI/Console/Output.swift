import Carrier
import CarrierCapture
import Glibc
import NIOCore
import Synchronization

/// The process's stdout: results, written with `write(2)` and checked.
///
/// Nothing here throws: when a write fails, what is left is dropped and the command is told to stop, so that a
/// callback on an event loop can print as easily as a loop in a task. Safe to use from any thread.
final class Output: Sendable {
    private struct State: ~Copyable {
        var line = JSONLine()
        var isOpen = true
        var isBatching = false
        /// Where records and lines go.
        var descriptor = STDOUT_FILENO
        /// What writes without making who prints wait.
        var thread: StreamOutput?
        /// Who waits until the thread has room.
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Bytes that a batch gathers before they are written.
    private static let batchSize = 64 * 1024

    private let state = Mutex(State())
    private let stop: @Sendable (StopReason) -> Void
    /// Whether records are printed as JSON Lines.
    let isJSON: Bool
    /// How text is coloured.
    let style: Style
    /// Makes room on the terminal before something is written to it.
    private let clear: (@Sendable () -> Void)?

    /// - Parameters:
    ///   - clear: called before each write, where stderr has a progress line on the same terminal; nil where not.
    ///   - stop: called once, when stdout can take nothing any more.
    init(
        isJSON: Bool, style: Style, clear: (@Sendable () -> Void)? = nil,
        stop: @escaping @Sendable (StopReason) -> Void
    ) {
        self.clear = clear
        self.isJSON = isJSON
        self.style = style
        self.stop = stop
    }

    /// Prints a record, as JSON or as text.
    func emit<R: Record>(_ record: R) {
        if isJSON {
            self.record(R.type) { record.encode(into: &$0) }
        } else if let text = record.text(style) {
            line(text)
        }
    }

    /// Prints a JSON object whose keys `body` adds; the output's own methods must not be called in it.
    func record(_ type: StaticString, _ body: (inout JSONLine) -> Void) {
        state.withLock { state in
            guard state.isOpen else { return }
            state.line.begin(type)
            body(&state.line)
            state.line.end()
            written(&state)
        }
    }

    /// Prints a line of text.
    func line(_ text: String) {
        state.withLock { state in
            guard state.isOpen else { return }
            state.line.bytes.append(text: text)
            state.line.bytes.append(UInt8(ascii: "\n"))
            written(&state)
        }
    }

    /// Writes bytes as they are, after all that waits; not where a thread writes.
    func write(_ bytes: UnsafeRawBufferPointer) {
        state.withLock { state in
            guard state.isOpen else { return }
            flush(&state)
            if state.isOpen { check(Descriptors.writeAll(bytes, to: STDOUT_FILENO), &state) }
        }
    }

    // MARK: A thread that writes

    /// Has a thread write from now on what there is no room for: a reader that stops does not stop who prints. Who prints much waits for `room`.
    func writeOnThread() {
        let thread = StreamOutput(descriptor: STDOUT_FILENO, closesAtEnd: false) { [weak self] in
            self?.threadChanged()
        }
        state.withLock { $0.thread = thread }
    }

    private func threadChanged() {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard let thread = state.thread else { return [] }
            if state.isOpen { check(thread.failure, &state) }
            return !state.isOpen || thread.hasRoom ? Self.takeWaiters(&state) : []
        }
        for waiter in waiters { waiter.resume() }
    }

    private static func takeWaiters(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        defer { state.waiters = [] }
        return state.waiters
    }

    /// Waits while more is to be written than should be, or until the task is cancelled.
    func room() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    if !state.isOpen || Task.isCancelled || state.thread?.hasRoom ?? true { return true }
                    state.waiters.append(continuation)
                    return false
                }
                if isFree { continuation.resume() }
            }
        } onCancel: {
            for waiter in state.withLock({ Self.takeWaiters(&$0) }) { waiter.resume() }
        }
    }

    /// Prints on stderr from now on, because stdout carries something else.
    func yieldStandardOutput() {
        state.withLock { $0.descriptor = STDERR_FILENO }
    }

    /// Gathers lines into larger writes from now on (true), or writes each at once (false, as at the start). Who
    /// gathers calls `flush` before it waits for input.
    func batch(_ isBatching: Bool) {
        state.withLock { state in
            state.isBatching = isBatching
            if !isBatching { flush(&state) }
        }
    }

    /// Writes what is gathered.
    func flush() {
        state.withLock { flush(&$0) }
    }

    /// Writes what is gathered and takes nothing more. Only now a file system may say that it had no room.
    func finish() {
        state.withLock { flush(&$0) }
        // Not under the lock, which the thread takes to say how it fared.
        if let thread = state.withLock({ $0.thread }) {
            while !thread.isWritten(), thread.failure == 0 { usleep(1000) }
        }
        state.withLock { state in
            guard state.isOpen else { return }
            check(state.thread?.failure ?? 0, &state)
            guard state.isOpen else { return }
            if close(STDOUT_FILENO) != 0 { check(errno == EBADF ? 0 : errno, &state) }
            state.isOpen = false
        }
    }

    /// As `finish`, with a last record before, but without waiting for anything: for a process that must end now.
    func finishAtOnce(with record: EndRecord?) {
        _ = state.withLockIfAvailable { state in
            var room = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
            guard state.isOpen, poll(&room, 1, 0) == 1, room.revents & Int16(POLLOUT) != 0,
                state.thread?.isWritten() ?? true
            else { return }
            state.thread = nil
            if let record, isJSON {
                state.line.begin(EndRecord.type)
                record.encode(into: &state.line)
                state.line.end()
            }
            flush(&state)
            state.isOpen = false
        }
    }

    private func written(_ state: inout State) {
        let waiting = state.line.bytes.count
        if !state.isBatching || waiting >= Self.batchSize { flush(&state) }
    }

    private func flush(_ state: inout State) {
        guard state.isOpen, state.line.bytes.count > 0 else { return }
        clear?()
        defer { state.line.bytes.clear() }
        if let thread = state.thread {
            _ = thread.write([ByteBuffer(bytes: state.line.bytes.bytes)])
        } else {
            check(Descriptors.writeAll(state.line.bytes.bytes, to: state.descriptor), &state)
        }
    }

    private func check(_ failure: Int32, _ state: inout State) {
        if failure == 0 { return }
        state.isOpen = false
        stop(failure == EPIPE ? .readerGone : .outputFailed(failure))
    }
}
