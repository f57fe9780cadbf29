internal import CarrierCrypto
internal import CarrierWire
internal import DequeModule

/// Peers that are to be asked whether they are there, first come first served, each once at a time.
struct CheckQueue: Sendable {
    /// More than so many waiting ones are not taken: they come up again.
    private static let limit = 256

    /// How long one that did not answer is not asked again because others tell of it.
    private static let absence = Duration.seconds(60)

    private struct Absentee {
        let peer: PeerID
        /// Of the record by which it was asked: a newer one is news.
        let sequence: UInt64
        let until: Instant
    }

    private var waiting: Deque<Lookup.Start> = []
    private var members: Set<PeerID> = []
    private(set) var inFlight = 0
    /// Who did not answer lately, the oldest first.
    private var absent: Deque<Absentee> = []

    var isIdle: Bool { inFlight == 0 && waiting.isEmpty }

    mutating func add(_ start: Lookup.Start) {
        guard waiting.count < Self.limit, members.insert(start.node.peer).inserted else { return }
        waiting.append(start)
    }

    /// The next one, while fewer than `limit` are being asked.
    mutating func next(limit: Int) -> Lookup.Start? {
        guard inFlight < limit, let start = waiting.popFirst() else { return nil }
        inFlight += 1
        return start
    }

    /// Remembers that a peer did not answer: until it is forgotten everywhere, each answer of the others tells of it again.
    mutating func noteAbsent(_ verified: VerifiedRecord, now: Instant) {
        absent.removeAll { $0.peer == verified.peer || $0.until <= now }
        absent.append(Absentee(peer: verified.peer, sequence: verified.record.sequence, until: now + Self.absence))
        if absent.count > Self.limit { absent.removeFirst() }
    }

    /// Whether a record is of a peer that did not answer lately, and no newer one.
    func isAbsent(_ verified: VerifiedRecord, now: Instant) -> Bool {
        absent.contains { $0.peer == verified.peer && now < $0.until && verified.record.sequence <= $0.sequence }
    }

    /// One that was taken has answered, or not.
    mutating func ended(_ peer: PeerID) {
        members.remove(peer)
        inFlight -= 1
    }
}
