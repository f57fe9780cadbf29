internal import CarrierCrypto
internal import DequeModule

/// Peers that are to be asked whether they are there, first come first served, each once at a time.
struct CheckQueue: Sendable {
    /// More than so many waiting ones are not taken: they come up again.
    private static let limit = 256

    private var waiting: Deque<Lookup.Start> = []
    private var members: Set<PeerID> = []
    private(set) var inFlight = 0

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

    /// One that was taken has answered, or not.
    mutating func ended(_ peer: PeerID) {
        members.remove(peer)
        inFlight -= 1
    }
}
