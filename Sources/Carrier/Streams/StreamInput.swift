internal import Glibc
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Reads a file descriptor on a thread of its own, a little ahead of who takes the chunks. Files, pipes, terminals and
/// sockets all do: a loop can wait for none of them alike.
final class StreamInput: Sendable {
    /// Bytes asked for at once: eight full frames.
    static let chunkSize = 8 * StreamSplice.frameBody
    /// Chunks read ahead.
    private static let ahead = 3

    /// What the thread found.
    enum Item: Sendable {
        case bytes(ByteBuffer)
        case end
        case failed(Int32)
    }

    private struct State {
        var items: [Item] = []
        var spares: [ByteBuffer] = []
        var isAsleep = false
        var isStopped = false
        var isAnnounced = false
    }

    // Not a Mutex: the thread sanitizer does not see those of them that are fought over.
    private let state = NIOLockedValueBox(State())
    private let descriptor: Int32
    private let wake: Wakeup
    private let available: @Sendable () -> Void

    /// - Parameter available: called on the thread when there is something to take, once until it is taken.
    init(descriptor: Int32, available: @escaping @Sendable () -> Void) {
        self.descriptor = descriptor
        self.available = available
        wake = Wakeup()
        // A larger pipe means fewer turns; where the system refuses, the pipe stays as it is.
        _ = fcntl(descriptor, 1031 /* F_SETPIPE_SZ */, 1 << 20)
        Threads.start { [self] in run() }
    }

    /// Takes the next item; nil when there is none yet.
    func take() -> Item? {
        let (item, mustWake) = state.withLockedValue { state -> (Item?, Bool) in
            guard !state.items.isEmpty else {
                state.isAnnounced = false
                return (nil, false)
            }
            defer { state.isAsleep = false }
            return (state.items.removeFirst(), state.isAsleep)
        }
        if mustWake { wake.signal() }
        return item
    }

    /// Gives a chunk's memory back.
    func recycle(_ buffer: ByteBuffer) {
        state.withLockedValue { state in
            if state.spares.count <= Self.ahead { state.spares.append(buffer) }
        }
    }

    /// Whether read bytes wait that nobody has taken.
    var holdsBytes: Bool {
        state.withLockedValue { state in
            state.items.contains { if case .bytes = $0 { true } else { false } }
        }
    }

    /// Ends the thread, also while it waits for input.
    func stop() {
        state.withLockedValue { $0.isStopped = true }
        wake.signal()
    }

    private func run() {
        while true {
            let spare = state.withLockedValue { state -> ByteBuffer?? in
                if state.isStopped { return nil }
                if state.items.count >= Self.ahead {
                    state.isAsleep = true
                    return .some(nil)
                }
                return .some(state.spares.popLast() ?? ByteBufferAllocator().buffer(capacity: Self.chunkSize))
            }
            guard let spare else { return }
            guard let buffer = spare else {
                wake.wait()
                continue
            }
            guard wake.waitForInput(descriptor) else { continue }
            let item = read(into: buffer)
            if put(item) { available() }
            if case .bytes = item { continue }
            return
        }
    }

    private func read(into spare: ByteBuffer) -> Item {
        var buffer = spare
        buffer.clear()
        var failure: Int32 = 0
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.chunkSize) { room in
            while true {
                let count = Glibc.read(descriptor, room.baseAddress, min(room.count, Self.chunkSize))
                if count >= 0 { return count }
                if errno == EINTR { continue }
                failure = errno
                return 0
            }
        }
        if failure != 0 { return .failed(failure) }
        return count == 0 ? .end : .bytes(buffer)
    }

    /// Whether it must be announced.
    private func put(_ item: Item) -> Bool {
        state.withLockedValue { state in
            state.items.append(item)
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
    }
}
