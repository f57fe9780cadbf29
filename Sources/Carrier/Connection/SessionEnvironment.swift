internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// What all sessions of a node share: its terms, its limits, and memory that is used again. Confined to the node's loop.
final class SessionEnvironment {
    let loop: any EventLoop
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

    private var plaintext = ByteBuffer()
    private var spares: [ByteBuffer] = []
    private var waiting: [SessionLink] = []
    private var isFlushScheduled = false

    init(
        loop: any EventLoop, limits: Limits, terms: HandshakeTerms, record: PeerRecord,
        logKeys: @escaping (String) -> Void
    ) {
        self.loop = loop
        self.limits = limits
        self.terms = terms
        self.record = record
        self.logKeys = logKeys
    }

    /// The loop's time: virtual in tests.
    func now() -> NIODeadline { loop.now }

    // Opening a record needs room for its plaintext only while its frames are handed over: one buffer serves all
    // sessions, so that ten thousand idle ones keep none.

    func takePlaintext() -> ByteBuffer {
        defer { plaintext = ByteBuffer() }
        return plaintext
    }

    func givePlaintext(_ buffer: ByteBuffer) { plaintext = buffer }

    func takeSpare() -> ByteBuffer? { spares.popLast() }

    func giveSpare(_ buffer: ByteBuffer) {
        if spares.count < 8 { spares.append(buffer) }
    }

    // Frames of one turn of the loop go out together.

    /// Flushes the session when the events at hand are done.
    func flushSoon(_ session: SessionLink) {
        waiting.append(session)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.assumeIsolated().execute { [weak self] in
            self?.isFlushScheduled = false
            self?.flushNow()
        }
    }

    /// Flushes all that wait.
    func flushNow() {
        while !waiting.isEmpty {
            let sessions = waiting
            waiting.removeAll(keepingCapacity: true)
            for session in sessions { session.flush() }
        }
    }
}
