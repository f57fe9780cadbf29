internal import CarrierWire
internal import DequeModule
internal import NIOCore

/// The messages that a node has met, and the bodies of the latest for repair. Bounded in time, ids and bytes.
struct SeenCache: Sendable {
    private struct Entry {
        let received: Instant
        /// From then on the message is too old to be taken again.
        let expires: Instant
    }

    private let idLimit: Int
    private let byteLimit: Int
    private var entries: [Broadcast.ID: Entry] = [:]
    /// In order of arrival.
    private var order: Deque<Broadcast.ID> = []
    /// Messages as they are sent for repair, in memory of their own.
    private var bodies: [Broadcast.ID: ByteBuffer] = [:]
    private var bodyOrder: Deque<Broadcast.ID> = []
    private(set) var bytes = 0
    /// What had to be forgotten before its time.
    private var forgotten = ForgottenIDs()

    init(idLimit: Int, byteLimit: Int) {
        self.idLimit = max(1, idLimit)
        self.byteLimit = byteLimit
    }

    var count: Int { entries.count }

    func contains(_ id: Broadcast.ID) -> Bool { entries[id] != nil }

    /// Whether a message that is not there may have been forgotten for want of room.
    func mayHaveForgotten(_ id: Broadcast.ID, now: Instant) -> Bool { forgotten.mayContain(id, now: now) }

    /// The message as it is sent for repair, while it is kept.
    func body(_ id: Broadcast.ID) -> ByteBuffer? { bodies[id] }

    /// Whether a message came since `start` and its body is there.
    func holds(_ id: Broadcast.ID, since start: Instant) -> Bool {
        guard let entry = entries[id], bodies[id] != nil else { return false }
        return entry.received >= start
    }

    /// Remembers a message that was not there.
    ///
    /// - Returns: whether ids and whether bodies had to be forgotten for it before their time.
    mutating func insert(
        _ id: Broadcast.ID, body: ByteBuffer, now: Instant, expires: Instant
    ) -> (ids: Bool, bodies: Bool) {
        forget(now)
        let isFull = order.count >= idLimit
        while order.count >= idLimit, let first = order.first {
            if let entry = entries[first], entry.expires > now {
                forgotten.insert(first, until: entry.expires, now: now)
            }
            forgetFirst()
        }
        entries[id] = Entry(received: now, expires: expires)
        order.append(id)
        guard body.readableBytes <= byteLimit else { return (isFull, true) }
        bodies[id] = body
        bodyOrder.append(id)
        bytes += body.readableBytes
        let isHeavy = bytes > byteLimit
        while bytes > byteLimit, let oldest = bodyOrder.popFirst() { dropBody(oldest) }
        return (isFull, isHeavy)
    }

    /// Forgets what could not come again.
    mutating func forget(_ now: Instant) {
        while let first = order.first, let entry = entries[first], entry.expires <= now { forgetFirst() }
        forgotten.expire(now)
    }

    private mutating func forgetFirst() {
        guard let id = order.popFirst() else { return }
        entries[id] = nil
        dropBody(id)
        while let first = bodyOrder.first, bodies[first] == nil { bodyOrder.removeFirst() }
    }

    private mutating func dropBody(_ id: Broadcast.ID) {
        if let body = bodies.removeValue(forKey: id) { bytes -= body.readableBytes }
    }
}
