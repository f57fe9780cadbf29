import CarrierCapture
import Glibc
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

    /// Writes bytes as they are, after all that waits.
    func write(_ bytes: UnsafeRawBufferPointer) {
        state.withLock { state in
            guard state.isOpen else { return }
            flush(&state)
            if state.isOpen { check(Descriptors.writeAll(bytes, to: STDOUT_FILENO), &state) }
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
        state.withLock { state in
            flush(&state)
            guard state.isOpen else { return }
            if close(STDOUT_FILENO) != 0 { check(errno == EBADF ? 0 : errno, &state) }
            state.isOpen = false
        }
    }

    /// As `finish`, with a last record before, but without waiting for anything: for a process that must end now.
    func finishAtOnce(with record: EndRecord?) {
        _ = state.withLockIfAvailable { state in
            var room = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
            guard state.isOpen, poll(&room, 1, 0) == 1, room.revents & Int16(POLLOUT) != 0 else { return }
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
        let failure = Descriptors.writeAll(state.line.bytes.bytes, to: state.descriptor)
        state.line.bytes.clear()
        check(failure, &state)
    }

    private func check(_ failure: Int32, _ state: inout State) {
        if failure == 0 { return }
        state.isOpen = false
        stop(failure == EPIPE ? .readerGone : .outputFailed(failure))
    }
}
