internal import CarrierProtocols
internal import CarrierWire
internal import DequeModule
internal import NIOCore

/// The messages of one peer that wait for the application, in the order in which they came. Confined to the node's loop.
///
/// While it is locked, messages behind the lock are not handed out.
final class Inbox {
    /// Who takes the next message of an opcode.
    struct Waiter {
        let number: UInt64
        let opcode: Opcode
        /// Whether taking the message locks what comes after it.
        let locks: Bool
        let take: (Result<Frame, DisconnectCause>) -> Void
    }

    private let byteLimit: Int
    private var frames: Deque<Frame> = []
    private(set) var bytes = 0
    /// How many messages wait, here and elsewhere.
    private var count = 0
    private var waiters: [Waiter] = []
    private var numbers: UInt64 = 0
    private var cause: DisconnectCause?
    /// How many of `frames` came before the lock; nil when nothing is locked.
    private var beforeLock: Int? {
        didSet { if oldValue == nil, beforeLock != nil { lockNumber += 1 } }
    }
    /// Names the lock that was taken last, so that an older one cannot release it.
    private(set) var lockNumber: UInt64 = 0

    init(byteLimit: Int) { self.byteLimit = byteLimit }

    /// Whether more waits than should.
    var isFull: Bool { bytes > byteLimit }
    var isLocked: Bool { beforeLock != nil }

    /// Whether somebody waits for a message of this opcode.
    func isAwaited(_ opcode: Opcode) -> Bool { waiters.contains { $0.opcode == opcode } }

    /// What a message costs while it waits.
    private static func cost(of frame: Frame) -> Int { frame.encodedSize + MemoryLayout<Frame>.stride }

    /// Messages that may wait in the memory in which they came.
    private static let unsettled = 16

    /// Counts a message that waits, here or elsewhere, and gives it back to be kept.
    ///
    /// A frame shares the memory of all that was read with it: many small ones, each read alone, would keep much more than they
    /// say. So all but the first few get memory of their own.
    func charge(_ frame: Frame) -> Frame {
        bytes += Self.cost(of: frame)
        count += 1
        guard count > Self.unsettled, frame.body.storageCapacity > 2 * frame.body.readableBytes + 64 else {
            return frame
        }
        var settled = frame
        settled.body = ByteBuffer()
        settled.body.writeImmutableBuffer(frame.body)
        return settled
    }

    /// A message waits no longer.
    func discharge(_ frame: Frame) {
        bytes -= Self.cost(of: frame)
        count -= 1
    }

    /// Puts a message behind those that wait, or gives it to who waits for it.
    func offer(_ frame: Frame) {
        if !isLocked, let index = waiters.firstIndex(where: { $0.opcode == frame.opcode }) {
            let waiter = waiters.remove(at: index)
            if waiter.locks { beforeLock = frames.count }
            waiter.take(.success(frame))
        } else {
            frames.append(charge(frame))
        }
    }

    /// Takes the first message of an opcode, now or when it comes. Returns a number with which to give up waiting; nil when
    /// it was there.
    func take(
        _ opcode: Opcode, locks: Bool, _ take: @escaping (Result<Frame, DisconnectCause>) -> Void
    ) -> UInt64? {
        let visible = frames.prefix(beforeLock ?? frames.count)
        // A second lock waits for the first one's release.
        if !(locks && isLocked), let index = visible.firstIndex(where: { $0.opcode == opcode }) {
            let frame = frames.remove(at: index)
            discharge(frame)
            if let count = beforeLock { beforeLock = count - 1 }
            if locks { beforeLock = index }
            take(.success(frame))
            return nil
        }
        if let cause {
            take(.failure(cause))
            return nil
        }
        numbers += 1
        waiters.append(Waiter(number: numbers, opcode: opcode, locks: locks, take: take))
        return numbers
    }

    /// Forgets a waiter; whether it still waited.
    func giveUp(_ number: UInt64) -> Bool {
        guard let index = waiters.firstIndex(where: { $0.number == number }) else { return false }
        waiters.remove(at: index)
        return true
    }

    /// Hands out what came after the lock of this number.
    func unlock(_ number: UInt64) {
        guard isLocked, number == lockNumber else { return }
        beforeLock = nil
        serve()
    }

    /// Gives the messages at hand to those who wait.
    private func serve() {
        var index = 0
        while index < frames.count, !isLocked {
            guard let position = waiters.firstIndex(where: { $0.opcode == frames[index].opcode }) else {
                index += 1
                continue
            }
            let waiter = waiters.remove(at: position)
            let frame = frames.remove(at: index)
            discharge(frame)
            if waiter.locks { beforeLock = index }
            waiter.take(.success(frame))
        }
    }

    /// No more comes: what is there can still be taken.
    func close(_ cause: DisconnectCause) {
        self.cause = cause
        beforeLock = nil
        serve()
        let left = waiters
        waiters = []
        for waiter in left { waiter.take(.failure(cause)) }
    }
}
