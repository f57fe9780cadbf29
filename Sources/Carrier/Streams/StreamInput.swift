internal import Glibc
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Reads a file descriptor: what is there, when somebody takes it; what must be waited for, on a thread of its own. Of a file
/// or a terminal, for which there is only waiting, the thread reads a little ahead.
final class StreamInput: Sendable {
    /// Bytes asked for at once, four full frames: they stay in a core's cache until they are sealed.
    static let chunkSize = 4 * StreamSplice.frameBody
    /// Chunks that the thread reads ahead.
    private static let ahead = 3

    /// What was found.
    enum Item: Sendable {
        case bytes(ByteBuffer)
        case end
        case failed(Int32)
    }

    private struct State {
        var items: [Item] = []
        var spares: [ByteBuffer] = []
        /// Whether what is there can be read without waiting.
        var canReadNow: Bool
        /// Who reads next: the thread, or who takes.
        var isThreadsTurn = true
        var isAsleep = false
        var isStopped = false
        var isAnnounced = false

        init(canReadNow: Bool) { self.canReadNow = canReadNow }

        /// Memory for a chunk.
        mutating func spare() -> ByteBuffer {
            spares.popLast() ?? ByteBufferAllocator().buffer(capacity: StreamInput.chunkSize)
        }
    }

    // Not a Mutex: the thread sanitizer does not see those of them that are fought over.
    private let state: NIOLockedValueBox<State>
    private let descriptor: StreamDescriptor
    private let wake: Wakeup
    private let available: @Sendable () -> Void

    /// - Parameter available: called on the thread when there is something to take, once until it is taken.
    init(descriptor: Int32, available: @escaping @Sendable () -> Void) {
        self.descriptor = StreamDescriptor(descriptor)
        state = NIOLockedValueBox(State(canReadNow: self.descriptor.hasOtherEnd))
        self.available = available
        wake = Wakeup()
        Threads.start { [self] in run() }
    }

    /// Whether it is a file: it has an end, however long that takes.
    var isFile: Bool { descriptor.isFile }

    /// Takes the next item; nil when there is none yet.
    func take() -> Item? {
        let (item, spare, mustWake) = state.withLockedValue { state -> (Item?, ByteBuffer?, Bool) in
            if state.items.isEmpty {
                if !state.isThreadsTurn { return (nil, state.spare(), false) }
                state.isAnnounced = false
                return (nil, nil, false)
            }
            let mustWake = state.isAsleep && state.isThreadsTurn
            if mustWake { state.isAsleep = false }
            return (state.items.removeFirst(), nil, mustWake)
        }
        if mustWake { wake.signal() }
        guard let spare else { return item }
        return readNow(into: spare)
    }

    /// Reads what is there; leaves it to the thread to wait when there is nothing.
    private func readNow(into buffer: consuming ByteBuffer) -> Item? {
        buffer.clear()
        let outcome = descriptor.read(into: &buffer, atMost: Self.chunkSize)
        switch outcome {
        case .bytes: return .bytes(buffer)
        case .failed(let code): return .failed(code)
        case .notYet, .byWaiting: break
        }
        recycle(buffer)
        let mustWake = state.withLockedValue { state -> Bool in
            state.canReadNow = outcome == .notYet
            state.isThreadsTurn = true
            state.isAnnounced = false
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if mustWake { wake.signal() }
        return nil
    }

    /// Gives a chunk's memory back.
    func recycle(_ buffer: ByteBuffer) {
        state.withLockedValue { state in
            if state.spares.count <= Self.ahead { state.spares.append(buffer) }
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
                if !state.isThreadsTurn || state.items.count >= Self.ahead {
                    state.isAsleep = true
                    return .some(nil)
                }
                return .some(state.spare())
            }
            guard let spare else { return }
            guard let buffer = spare else {
                wake.wait()
                continue
            }
            guard wake.waitForInput(descriptor.number) else {
                recycle(buffer)
                continue
            }
            guard let item = read(into: buffer) else {
                recycle(buffer)
                continue
            }
            if put(item) { available() }
            if case .bytes = item { continue }
            return
        }
    }

    /// Waits for bytes; nil where somebody who shares the descriptor was faster.
    private func read(into spare: ByteBuffer) -> Item? {
        var buffer = spare
        buffer.clear()
        var failure: Int32 = 0
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.chunkSize) { room in
            while true {
                let count = Glibc.read(descriptor.number, room.baseAddress, min(room.count, Self.chunkSize))
                if count >= 0 { return count }
                if errno == EINTR { continue }
                failure = errno
                return 0
            }
        }
        if failure == EAGAIN { return nil }
        if failure != 0 { return .failed(failure) }
        return count == 0 ? .end : .bytes(buffer)
    }

    /// Whether it must be announced.
    private func put(_ item: Item) -> Bool {
        state.withLockedValue { state in
            state.items.append(item)
            state.isThreadsTurn = !state.canReadNow
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
    }
}
