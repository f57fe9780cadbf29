internal import CarrierCrypto

/// One of the disjoint paths of a lookup: the nodes it has heard of, nearest to the target first.
struct LookupPath: Sendable {
    enum State: Sendable { case waiting, asked, answered }

    struct Candidate: Sendable {
        let distance: Bytes32
        let verified: VerifiedRecord
        /// Who told us of it; nil: our own table.
        let namedBy: PeerID?
        /// Where the one who told us of it stood.
        let reach: Reach
        /// How many nodes had to be asked to hear of it, plus one.
        let hop: Int
        var state = State.waiting
    }

    /// Which path, from 1 on.
    let number: Int
    private let k: Int
    private(set) var candidates: [Candidate] = []
    private(set) var inFlight = 0
    private(set) var queries = 0
    private(set) var isEnded = false

    init(number: Int, k: Int) {
        self.number = number
        self.k = k
    }

    /// Adds a node unless it is there; the farthest of too many are forgotten.
    mutating func add(_ verified: VerifiedRecord, target: NodeID, namedBy: PeerID?, reach: Reach, hop: Int) {
        let distance = verified.nodeID.distance(to: target)
        let index = candidates.firstIndex { !($0.distance < distance) } ?? candidates.count
        if index < candidates.count, candidates[index].distance == distance { return }
        let candidate = Candidate(distance: distance, verified: verified, namedBy: namedBy, reach: reach, hop: hop)
        candidates.insert(candidate, at: index)
        // Twice k leaves enough in reserve for those that fail.
        if candidates.count > 2 * k, candidates.last?.state == .waiting { candidates.removeLast() }
    }

    /// The next node to ask: the nearest that waits among the k nearest of the path. Nodes that another path has
    /// claimed are struck off. Ends the path when there is nobody to ask and nobody to wait for.
    mutating func next(alpha: Int, isClaimed: (PeerID) -> Bool) -> Candidate? {
        guard !isEnded, inFlight < alpha else { return nil }
        candidates.removeAll { $0.state == .waiting && isClaimed($0.verified.peer) }
        let nearest = candidates.prefix(k)
        guard queries < k + 16, let index = nearest.firstIndex(where: { $0.state == .waiting }) else {
            if inFlight == 0 { isEnded = true }
            return nil
        }
        candidates[index].state = .asked
        inFlight += 1
        queries += 1
        return candidates[index]
    }

    /// Notes an answer; the node that gave it, nil when it was not asked.
    mutating func answered(_ peer: PeerID) -> Candidate? {
        guard let index = index(ofAsked: peer) else { return nil }
        inFlight -= 1
        candidates[index].state = .answered
        return candidates[index]
    }

    /// Notes that a node did not answer: it is struck off, and a farther one moves up.
    mutating func failed(_ peer: PeerID) -> Candidate? {
        guard let index = index(ofAsked: peer) else { return nil }
        inFlight -= 1
        return candidates.remove(at: index)
    }

    /// The path has what it looked for, or time is up.
    mutating func end() { isEnded = true }

    /// A node that was asked and has not answered yet.
    func asked(_ peer: PeerID) -> Candidate? { index(ofAsked: peer).map { candidates[$0] } }

    private func index(ofAsked peer: PeerID) -> Int? {
        candidates.firstIndex { $0.state == .asked && $0.verified.peer == peer }
    }
}
