internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// What all sessions of a node share: its terms, its limits, and memory that is used again. Confined to the node's loop.
final class SessionEnvironment {
    let loop: any EventLoop
    private let executor: EventLoopExecutor
    let limits: Limits
    let terms: HandshakeTerms
    /// What this node tells about itself now.
    var record: PeerRecord
    /// Gets the key log line of each session.
    let logKeys: (String) -> Void
    /// How often each limit was reached.
    var limitCounts = LimitCounts()

    /// Sessions that have said good-bye and whose links have not ended yet.
    var closing: [ObjectIdentifier: SessionLink] = [:]

    private var sealed = ByteBuffer()
    private var plaintext = ByteBuffer()
    private var spares: [ByteBuffer] = []
    private let flushes: FlushQueue
    private let flush: @Sendable () -> Void
    private let duePoll: DuePoll
    private let poll: @Sendable () -> Void
    /// Reads of all sessions.
    private var reads: UInt64 = 0
    /// Reads there had been at the last poll.
    private var polledAt: UInt64 = .max
    /// Goes on whenever something comes to the loop.
    private var arrivals: UInt64 { reads &+ executor.calls }

    init(
        executor: EventLoopExecutor, limits: Limits, terms: HandshakeTerms, record: PeerRecord,
        logKeys: @escaping (String) -> Void
    ) {
        self.executor = executor
        loop = executor.loop
        self.limits = limits
        self.terms = terms
        self.record = record
        self.logKeys = logKeys
        let flushes = FlushQueue()
        self.flushes = flushes
        let bound = NIOLoopBound(flushes, eventLoop: loop)
        flush = { bound.value.run() }
        let duePoll = DuePoll(executor: executor, flushes: flushes)
        self.duePoll = duePoll
        let boundPoll = NIOLoopBound(duePoll, eventLoop: loop)
        poll = { boundPoll.value.run() }
    }

    /// The loop's time: virtual in tests.
    func now() -> NIODeadline { loop.now }

    // Opening a record needs room for its plaintext only while its frames are handed over: one buffer serves all
    // sessions, so that ten thousand idle ones keep none.

    func takePlaintext() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &plaintext)
        // Cleared only now: those who got its frames have let go of them, or it is made anew.
        taken.clear()
        return taken
    }

    func givePlaintext(_ buffer: ByteBuffer) { plaintext = buffer }

    // Where records are sealed: the system has mostly taken them when the next ones come.

    func takeSealed() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &sealed)
        return taken
    }

    func giveSealed(_ buffer: ByteBuffer) { sealed = buffer }

    func takeSpare() -> ByteBuffer? { spares.popLast() }

    func giveSpare(_ buffer: ByteBuffer) {
        if spares.count < 8 { spares.append(buffer) }
    }

    // Frames of one turn of the loop go out together.

    /// Flushes the session when the events at hand are done.
    func flushSoon(_ session: SessionLink) {
        if flushes.add(session) { loop.execute(flush) }
    }

    /// Flushes all that wait.
    func flushNow() { flushes.flush() }

    /// Hands over what came in one go: what components and tasks do about it is done and goes out at once, together.
    func turn(_ body: () -> Void) {
        flushes.gather { executor.gather(body) }
    }

    // Where more comes at once as a rule, the loop polls for it before it sleeps.

    /// The session has sent what its peer answers or waited for.
    func expectMore(of session: SessionLink) {
        session.busyPoll?.expect(from: now(), arrivals: arrivals)
        guard session.busyPoll?.isWorthwhile == true, reads != polledAt else { return }
        polledAt = reads
        if duePoll.aim(at: session) { loop.execute(poll) }
    }

    /// Bytes came over the session.
    func heard(_ session: SessionLink) {
        session.busyPoll?.heard(at: session.heardAt, arrivals: arrivals)
        reads &+= 1
    }
}

/// The sessions with frames to seal at the end of this turn of the loop.
final class FlushQueue {
    private var waiting: [SessionLink] = []
    private var flushing: [SessionLink] = []
    /// Whether a run comes without another call.
    private var isRunDue = false

    var isEmpty: Bool { waiting.isEmpty }

    /// Whether a run must be scheduled for it.
    func add(_ session: SessionLink) -> Bool {
        waiting.append(session)
        defer { isRunDue = true }
        return !isRunDue
    }

    func run() {
        isRunDue = false
        flush()
    }

    func gather(_ body: () -> Void) {
        guard !isRunDue else { return body() }
        isRunDue = true
        body()
        run()
    }

    func flush() {
        while !waiting.isEmpty {
            swap(&waiting, &flushing)
            for session in flushing { session.flush() }
            flushing.removeAll(keepingCapacity: true)
        }
    }
}
