internal import Glibc
internal import NIOConcurrencyHelpers
package import NIOCore

/// Writes to a file descriptor: what there is room for at once, the rest on a thread of its own. A full pipe or a slow disk
/// makes the thread wait, and who writes hears of it before much has gathered.
package final class StreamOutput: Sendable {
    /// Bytes that may wait before the writer should stop.
    private static let highWater = 512 * 1024
    /// Bytes at which it may go on.
    private static let lowWater = 128 * 1024
    /// Bytes below which a piece that waits is copied.
    private static let smallPiece = 16 * 1024

    private struct State {
        private var chunks: [ByteBuffer] = []
        /// Small pieces behind the chunks, copied: as slices each would keep all of what it was read with.
        private var tail = ByteBuffer()
        var waiting = 0
        /// Whether what there is room for can be written without waiting.
        var canWriteNow: Bool
        /// What the system said to somebody who wrote without waiting; the thread ends by it.
        var refusal: Int32 = 0
        var isAsleep = false
        var wantsRoom = false
        var wantsEmpty = false
        var isFinished = false
        var isStopped = false
        var failure: Int32 = 0

        init(canWriteNow: Bool) { self.canWriteNow = canWriteNow }

        var isEmpty: Bool { chunks.isEmpty && tail.readableBytes == 0 }

        /// Keeps a piece for the thread.
        mutating func append(_ piece: ByteBuffer) {
            guard piece.readableBytes >= StreamOutput.smallPiece else {
                _ = tail.writeImmutableBuffer(piece)
                return
            }
            if tail.readableBytes > 0 { chunks.append(tail) }
            tail = ByteBuffer()
            chunks.append(piece)
        }

        /// Everything that was kept.
        mutating func takeAll() -> [ByteBuffer] {
            defer { (chunks, tail) = ([], ByteBuffer()) }
            return tail.readableBytes > 0 ? chunks + [tail] : chunks
        }
    }

    // Not a Mutex: the thread sanitizer does not see those of them that are fought over.
    private let state: NIOLockedValueBox<State>
    private let descriptor: StreamDescriptor
    private let closesAtEnd: Bool
    private let wake = Wakeup()
    private let changed: @Sendable () -> Void
    private let willClose: (@Sendable () -> Void)?

    /// - Parameters:
    ///   - closesAtEnd: whether the end of the stream closes the descriptor.
    ///   - willClose: called on the thread right before it closes the descriptor.
    ///   - changed: called on the thread when there is room again, all is written, or writing failed.
    package init(
        descriptor: Int32, closesAtEnd: Bool, willClose: (@Sendable () -> Void)? = nil,
        changed: @escaping @Sendable () -> Void
    ) {
        self.descriptor = StreamDescriptor(descriptor)
        state = NIOLockedValueBox(State(canWriteNow: self.descriptor.hasOtherEnd))
        self.closesAtEnd = closesAtEnd
        self.willClose = willClose
        self.changed = changed
        Threads.start { [self] in run() }
    }

    /// Writes bytes, the first piece before the second, or puts them behind those that wait. Returns whether there is room for
    /// more; `changed` says when there is again.
    package func write(_ pieces: [ByteBuffer]) -> Bool {
        let (mustWake, hasRoom) = state.withLockedValue { state -> (Bool, Bool) in
            let count = pieces.reduce(0) { $0 + $1.readableBytes }
            state.waiting += count
            // Nothing takes it any more; that it is lost counts.
            if state.failure != 0 { return (false, true) }
            // While nothing waits the thread does nothing: whoever holds the lock may write, for that takes no time.
            let rest = state.waiting == count && state.canWriteNow ? writeNow(pieces, &state) : pieces
            for piece in rest { state.append(piece) }
            let hasRoom = state.waiting < Self.highWater
            // Another writer may wait already: only room ends that.
            if !hasRoom { state.wantsRoom = true }
            guard state.isAsleep, !state.isEmpty else { return (false, hasRoom) }
            state.isAsleep = false
            return (true, hasRoom)
        }
        if mustWake { wake.signal() }
        return hasRoom
    }

    /// Writes what there is room for; gives back what is left.
    private func writeNow(_ pieces: [ByteBuffer], _ state: inout State) -> [ByteBuffer] {
        var done = 0
        switch descriptor.write(pieces) {
        case .bytes(let count): done = count
        case .notYet: break
        case .byWaiting: state.canWriteNow = false
        case .failed(let code): state.refusal = code
        }
        state.waiting -= done
        return pieces.compactMap { piece in
            var rest = piece
            let taken = min(done, piece.readableBytes)
            done -= taken
            rest.moveReaderIndex(forwardBy: taken)
            return rest.readableBytes > 0 ? rest : nil
        }
    }

    /// Says that no more comes.
    package func finish() {
        state.withLockedValue { state in
            state.isFinished = true
            state.isAsleep = false
        }
        wake.signal()
    }

    /// Whether everything so far is written; when it is not, `changed` says when it is.
    package func isWritten() -> Bool {
        state.withLockedValue { state in
            state.wantsEmpty = state.waiting > 0
            return state.waiting == 0
        }
    }

    /// Bytes that are still to be taken: those that wait here, and those that lie in the pipe.
    var left: Int { unwritten + StreamDescriptor.unread(descriptor.number) }

    /// Bytes that wait to be written; once writing has failed, those that never will be.
    var unwritten: Int { state.withLockedValue { $0.waiting } }

    /// Whether there is room.
    package var hasRoom: Bool { state.withLockedValue { !$0.wantsRoom } }

    /// The system's error; 0 while there is none.
    package var failure: Int32 { state.withLockedValue { $0.failure } }

    /// Ends the thread, also while it waits for room; within a write to a descriptor that blocks, only after it.
    func stop() {
        state.withLockedValue { state in
            state.isStopped = true
            state.isAsleep = false
        }
        wake.signal()
    }

    private func run() {
        defer {
            if closesAtEnd {
                willClose?()
                close(descriptor.number)
            }
        }
        while true {
            let batch = state.withLockedValue { state -> [ByteBuffer]? in
                if state.isStopped { return nil }
                if state.isEmpty {
                    if state.isFinished { return nil }
                    state.isAsleep = true
                    return []
                }
                return state.takeAll()
            }
            guard let batch else { return }
            if batch.isEmpty {
                wake.wait()
                continue
            }
            for chunk in batch {
                let failure = refusal ?? writeAll(chunk)
                if failure == ECANCELED { return }
                if failure != 0 {
                    fail(failure)
                    return changed()
                }
            }
        }
    }

    /// What the system said to somebody who wrote: it says it once.
    private var refusal: Int32? {
        state.withLockedValue { $0.refusal == 0 ? nil : $0.refusal }
    }

    private func writeAll(_ chunk: ByteBuffer) -> Int32 {
        chunk.withUnsafeReadableBytes { bytes in
            var rest = bytes
            while !rest.isEmpty {
                let count = Glibc.write(descriptor.number, rest.baseAddress, rest.count)
                if count > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                    if wrote(count) { changed() }
                } else if errno == EAGAIN {
                    let hasRoom = wake.waitForRoom(descriptor.number)
                    if !hasRoom, state.withLockedValue({ $0.isStopped }) { return ECANCELED }
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }

    /// Whether somebody must be told.
    private func wrote(_ count: Int) -> Bool {
        state.withLockedValue { state in
            state.waiting -= count
            var mustTell = false
            if state.wantsRoom, state.waiting <= Self.lowWater {
                state.wantsRoom = false
                mustTell = true
            }
            if state.wantsEmpty, state.waiting == 0 {
                state.wantsEmpty = false
                mustTell = true
            }
            return mustTell
        }
    }

    private func fail(_ failure: Int32) {
        state.withLockedValue { state in
            state.failure = failure
            state.wantsRoom = false
            _ = state.takeAll()
        }
    }
}
