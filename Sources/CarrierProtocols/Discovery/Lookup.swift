public import CarrierCrypto
internal import CarrierWire

/// An iterative lookup over disjoint paths (Baumgart & Mies 2007, §4.4): pure, asked what to send and told what came back.
///
/// The k known nodes nearest to the target are dealt out to d paths. Each path asks the nearest node that it has heard of,
/// no node is asked by two paths or twice, and a path ends when it has found the target, when its k nearest nodes have
/// answered, or when its queries are used up: k + 16, so that no answer can keep it going.
public struct Lookup: Sendable {
    /// A node to ask now.
    public struct Query: Sendable {
        /// From 1 on.
        public let path: Int
        /// From 1 on; 1 is a node that we knew.
        public let hop: Int
        /// Whom to ask.
        public let node: VerifiedRecord
        /// Who told us of the node; nil: our own table.
        public let namedBy: PeerID?
        /// Where the one who told us of it stood.
        public let reach: Reach
        /// How far the node is from the target: the number of bits from the first differing one on.
        public let distanceBits: Int
    }

    /// A node to begin with.
    public struct Start: Sendable {
        /// Whom to ask.
        public let node: VerifiedRecord
        /// Where the one who told us of it stood.
        public let reach: Reach

        /// A node that somebody who stands there told us of.
        public init(_ node: VerifiedRecord, _ reach: Reach) {
            self.node = node
            self.reach = reach
        }

        /// A node of our own table.
        public init(_ contact: Contact) { self.init(contact.verified, contact.reach) }
    }

    /// The place that is looked for.
    public let target: NodeID
    /// How to look, within what makes sense.
    public let options: LookupOptions
    private let own: PeerID
    private let began: Instant
    private var paths: [LookupPath] = []
    /// Which path has asked a node.
    private var claims: [PeerID: Int] = [:]
    /// Which paths name a peer, a bit each; bit 0 is our own table.
    private var naming: [PeerID: UInt64] = [:]
    /// What the paths say of the target.
    private var sightings: [LookupResult.Sighting] = []
    /// The newest record of each peer that was named.
    private var newest: [PeerID: Start] = [:]
    private var answering: [Start] = []
    private var failures = 0
    private var isOver = false

    /// - Parameters:
    ///   - target: the place that is looked for.
    ///   - options: how to look; brought within what makes sense.
    ///   - own: this node, never asked.
    ///   - starts: what is known already, nearest to the target first.
    ///   - now: when it begins.
    public init(_ target: NodeID, _ options: LookupOptions, own: PeerID, starts: [Start], now: Instant) {
        self.target = target
        self.options = options.bounded
        self.own = own
        began = now
        var starts = starts.filter { $0.node.peer != own }
        if options.goal == .find, let known = starts.firstIndex(where: { $0.node.nodeID == target }) {
            // Met by ourselves: that is a path of its own, and asking the target where it is tells nothing.
            let start = starts.remove(at: known)
            sight(start.node, start.reach, path: 0, hop: 1)
        }
        let dealt = starts.prefix(max(self.options.k, self.options.paths))
        paths = (0..<min(self.options.paths, dealt.count)).map { LookupPath(number: $0 + 1, k: self.options.k) }
        for (index, start) in dealt.enumerated() where !paths.isEmpty {
            paths[index % paths.count].add(
                start.node, target: target, namedBy: nil, reach: start.reach, hop: 1)
            newest[start.node.peer] = start
        }
        if paths.isEmpty { isOver = true }
    }

    /// When the lookup is over whatever happens.
    public var deadline: Instant { began + options.timeout }
    /// Whether all paths have ended.
    public var isFinished: Bool { isOver }
    /// How many queries were made.
    public var queries: Int { paths.reduce(0) { $0 + $1.queries } }

    /// The queries to send now; after an empty answer `isFinished` may have changed.
    public mutating func next() -> [Query] {
        var wanted: [Query] = []
        guard !isOver else { return wanted }
        var isAsking = true
        // One query a path and round, so that no path takes all that is near.
        while isAsking {
            isAsking = false
            for index in paths.indices {
                guard options.via == nil || queries == 0,
                    let candidate = paths[index].next(alpha: options.alpha, isClaimed: { claims[$0] != nil })
                else { continue }
                claims[candidate.verified.peer] = index
                isAsking = true
                wanted.append(
                    Query(
                        path: index + 1, hop: candidate.hop, node: candidate.verified, namedBy: candidate.namedBy,
                        reach: candidate.reach, distanceBits: 256 - candidate.distance.leadingZeroBitCount))
            }
        }
        if options.via != nil, paths.allSatisfy({ $0.inFlight == 0 }) { isOver = true }
        if paths.allSatisfy(\.isEnded) { isOver = true }
        return wanted
    }

    /// A node that was asked and has not answered yet, and where the one who told us of it stands.
    public func asked(_ node: PeerID) -> Start? {
        guard let index = claims[node], let candidate = paths[index].asked(node) else { return nil }
        return Start(candidate.verified, candidate.reach)
    }

    /// A node that was asked has answered.
    ///
    /// - Parameters:
    ///   - node: who has answered.
    ///   - records: what it told, checked; may hold ourselves, the node, and what we know better.
    ///   - reach: where it stands.
    public mutating func answered(_ node: PeerID, _ records: [VerifiedRecord], reach: Reach) {
        guard let index = claims[node], let candidate = paths[index].answered(node), !isOver else { return }
        answering.append(Start(candidate.verified, candidate.reach))
        for told in records.prefix(options.k) where told.peer != own && told.peer != node {
            let record = freshest(told, reach)
            naming[record.peer, default: 0] |= 1 << UInt64(index + 1)
            if options.goal == .find, record.nodeID == target {
                sight(told, reach, path: index + 1, hop: candidate.hop + 1)
                paths[index].end()
            } else if claims[record.peer] == nil, !record.isClient {
                paths[index].add(record, target: target, namedBy: node, reach: reach, hop: candidate.hop + 1)
            }
        }
    }

    /// A node that was asked has not answered, or could not be asked.
    public mutating func failed(_ node: PeerID) {
        guard let index = claims[node], paths[index].failed(node) != nil else { return }
        failures += 1
    }

    /// Time is up.
    public mutating func expire() {
        for index in paths.indices { paths[index].end() }
        isOver = true
    }

    /// A stale record gives way to the newer one that somebody told.
    private mutating func freshest(_ record: VerifiedRecord, _ reach: Reach) -> VerifiedRecord {
        if let known = newest[record.peer]?.node, known.record.sequence >= record.record.sequence { return known }
        newest[record.peer] = Start(record, reach)
        return record
    }

    private mutating func sight(_ record: VerifiedRecord, _ reach: Reach, path: Int, hop: Int) {
        naming[record.peer, default: 0] |= 1 << UInt64(path)
        sightings.append(LookupResult.Sighting(record: record, reach: reach, path: path, hop: hop))
    }

    /// What the lookup has found so far.
    public func result(now: Instant) -> LookupResult {
        // What the one node of `via` tells is the answer; otherwise only who answered is worth naming.
        let named = options.via == nil ? answering : newest.values.filter { naming[$0.node.peer] != nil }
        let sorted = named.sorted { $0.node.nodeID.distance(to: target) < $1.node.nodeID.distance(to: target) }
        return LookupResult(
            target: target, sightings: sightings,
            closest: sorted.map {
                let newest = newest[$0.node.peer] ?? $0
                return .init(
                    node: newest.node, addresses: newest.node.record.usable(toldAt: newest.reach),
                    pathsAgreeing: naming[$0.node.peer]?.nonzeroBitCount ?? 0)
            },
            paths: paths.count + (sightings.contains { $0.path == 0 } ? 1 : 0),
            queries: queries, answers: answering.count, failures: failures, elapsed: now - began)
    }
}
