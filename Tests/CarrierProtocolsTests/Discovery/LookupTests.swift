import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import Testing

@Suite struct DiscoveryLookupTests {
    let own = Cast.members[0]
    let others = Array(Cast.members.dropFirst())

    func options(_ change: (inout LookupOptions) -> Void = { _ in }) -> LookupOptions {
        var options = LookupOptions()
        change(&options)
        return options
    }

    func starts(_ members: some Sequence<Cast.Member>, _ target: NodeID) -> [Lookup.Start] {
        members.map { Lookup.Start($0.verified, .internet) }.sorted {
            $0.node.nodeID.distance(to: target) < $1.node.nodeID.distance(to: target)
        }
    }

    /// Runs a lookup to its end; `answer` says what a node tells, nil for silence. The queries in their order.
    func run(_ lookup: inout Lookup, _ answer: (Lookup.Query) -> [VerifiedRecord]?) -> [Lookup.Query] {
        var queries: [Lookup.Query] = []
        var waiting = lookup.next()
        while let query = waiting.popLast() {
            queries.append(query)
            if queries.count > 10_000 { break }
            if let records = answer(query) {
                lookup.answered(query.node.peer, records, reach: .internet)
            } else {
                lookup.failed(query.node.peer)
            }
            waiting += lookup.next()
        }
        return queries
    }

    /// What an honest node that knows everybody tells.
    func nearest(_ target: NodeID, _ count: Int) -> [VerifiedRecord] {
        others.map(\.verified).sorted { $0.nodeID.distance(to: target) < $1.nodeID.distance(to: target) }
            .prefix(count).map { $0 }
    }

    @Test("row 31: paths share no node, no node is asked twice, and all of it stays in its bounds", arguments: 0..<12)
    func disjointPaths(seed: UInt64) {
        var random = SeededRandom(seed)
        let target = NodeID(Bytes32(random: &random))
        let d = Int(seed % 6) + 1
        var lookup = Lookup(
            target,
            options {
                $0.paths = d; $0.alpha = Int(seed % 3) + 1
            }, own: own.peer,
            starts: starts(others.shuffled(using: &random).prefix(20), target), now: .seconds(0))
        let queries = run(&lookup) { _ in
            // Silence, some of everybody by chance, us and doubles among them.
            guard Int.random(in: 0..<3, using: &random) > 0 else { return nil }
            var told = others.shuffled(using: &random).prefix(18).map(\.verified)
            told += [own.verified, told[0]]
            return told
        }
        #expect(lookup.isFinished)
        #expect(Set(queries.map(\.node.peer)).count == queries.count)
        #expect(!queries.contains { $0.node.peer == own.peer })
        #expect(queries.count <= d * 32)
        #expect(Set(queries.map(\.path)).isSubset(of: Set(1...d)))
    }

    @Test("with honest nodes the k nearest are found, as by sorting everybody", arguments: 0..<8)
    func findsTheNearest(seed: UInt64) {
        var random = SeededRandom(seed)
        let target = NodeID(Bytes32(random: &random))
        var lookup = Lookup(
            target, options { $0.goal = .closest(16) }, own: own.peer,
            starts: starts(others.shuffled(using: &random).prefix(16), target), now: .seconds(0))
        _ = run(&lookup) { _ in nearest(target, 16) }
        let found = lookup.result(now: .seconds(1)).closest.prefix(16).map(\.node.peer)
        #expect(Array(found) == nearest(target, 16).map(\.peer))
    }

    @Test("all paths name a target that everybody knows, and the hops are counted")
    func agreement() throws {
        let target = others[30]
        let starts = starts(others.prefix(12), target.verified.nodeID)
        var lookup = Lookup(target.verified.nodeID, options(), own: own.peer, starts: starts, now: .seconds(0))
        let queries = run(&lookup) { _ in [target.verified] }
        let result = lookup.result(now: .seconds(1))
        #expect(queries.count <= 12 && result.paths == 4 && result.pathsAgreeing == 4)
        #expect(result.hops == 2)
        #expect(result.found == target.verified)
        #expect(result.addresses.map(\.pathsAgreeing) == [4])
        #expect(result.addresses.first?.address.peer == target.peer)
    }

    @Test("each query says who named its node: nobody for what was known, then one that the same path has asked")
    func namedBy() {
        let target = NodeID(Bytes32.zero)
        var lookup = Lookup(
            target, options { $0.paths = 3 }, own: own.peer, starts: starts(others.suffix(6), target),
            now: .seconds(0))
        let queries = run(&lookup) { query in
            Array(nearest(query.node.nodeID, 8))
        }
        let path = Dictionary(queries.map { ($0.node.peer, $0.path) }, uniquingKeysWith: { $1 })
        let hop = Dictionary(queries.map { ($0.node.peer, $0.hop) }, uniquingKeysWith: { $1 })
        #expect(queries.contains { $0.hop > 1 })
        for query in queries {
            #expect((query.namedBy == nil) == (query.hop == 1))
            guard let teller = query.namedBy else { continue }
            #expect(path[teller] == query.path && hop[teller] == query.hop - 1)
        }
    }

    @Test("one lying path does not outweigh the others: the newest record wins and addresses count their paths")
    func stalePath() throws {
        let stale = try #require(Cast.member(30, addresses: ["tcp://9.9.9.9:1"], sequence: 1))
        let fresh = try #require(Cast.member(30, addresses: ["tcp://9.9.9.8:1"], sequence: 2))
        let target = fresh.verified.nodeID
        var lookup = Lookup(
            target, options { $0.alpha = 1 }, own: own.peer, starts: starts(others.dropFirst(40).prefix(4), target),
            now: .seconds(0))
        _ = run(&lookup) { $0.path == 1 ? [stale.verified] : [fresh.verified] }
        let result = lookup.result(now: .seconds(1))
        #expect(result.found?.record == fresh.record)
        #expect(result.pathsAgreeing == 4)
        #expect(result.addresses.map(\.pathsAgreeing) == [3])
        #expect(result.addresses.map { $0.address.pinned(to: nil).description } == ["tcp://9.9.9.8:1"])
    }

    @Test("row 31: nodes that always tell of nearer ones cannot keep a lookup going")
    func endlessNearerNodes() {
        let target = NodeID(Bytes32.zero)
        // Farthest first: each answer is nearer than all before it.
        var ladder = others.map(\.verified).sorted {
            $1.nodeID.distance(to: target) < $0.nodeID.distance(to: target)
        }
        let starts = ladder.prefix(8).map { Lookup.Start($0, .internet) }
        ladder.removeFirst(8)
        for alpha in [1, 3] {
            var ladder = ladder
            var lookup = Lookup(
                target,
                options {
                    $0.paths = 4; $0.alpha = alpha
                }, own: own.peer, starts: starts.reversed(),
                now: .seconds(0))
            let queries = run(&lookup) { _ in ladder.isEmpty ? [] : [ladder.removeFirst()] }
            #expect(lookup.isFinished)
            #expect(queries.count <= 4 * 32)
        }
    }

    @Test("row 31: with nine of ten nodes dead the lookup still ends and finds a target that the living know")
    func mostlyDead() {
        var random = SeededRandom(1)
        let target = others[10]
        let alive = Set(others.shuffled(using: &random).prefix(40).map(\.peer))
        var lookup = Lookup(
            target.verified.nodeID, options { $0.paths = 8 }, own: own.peer,
            starts: starts(others.dropFirst(20).prefix(16), target.verified.nodeID), now: .seconds(0))
        let queries = run(&lookup) { query in
            guard alive.contains(query.node.peer) else { return nil }
            return others.shuffled(using: &random).prefix(15).map(\.verified) + [target.verified]
        }
        #expect(lookup.isFinished && queries.count <= 8 * 32)
        #expect(lookup.result(now: .seconds(1)).found != nil)
    }

    @Test("row 31: nodes that tell only of each other end the lookup")
    func cycles() {
        let target = NodeID(Bytes32.zero)
        let ring = Array(others.prefix(5))
        var lookup = Lookup(
            target, options(), own: own.peer, starts: starts(ring, target), now: .seconds(0))
        let queries = run(&lookup) { _ in ring.map(\.verified) }
        #expect(queries.count == 5 && lookup.isFinished)
        #expect(lookup.result(now: .seconds(1)).found == nil)
    }

    @Test("via asks one node once and hands on what it tells")
    func viaOneNode() {
        let target = NodeID(Bytes32.zero)
        var lookup = Lookup(
            target,
            options {
                $0.via = others[0].peer; $0.goal = .closest(5)
            }, own: own.peer,
            starts: [Lookup.Start(others[0].verified, .internet)], now: .seconds(0))
        let queries = run(&lookup) { _ in others[1..<6].map(\.verified) }
        #expect(queries.map(\.node.peer) == [others[0].peer])
        let told = lookup.result(now: .seconds(1)).closest.map(\.node.peer)
        #expect(Set(told) == Set(others[1..<6].map(\.peer)))
        #expect(lookup.result(now: .seconds(1)).closest.allSatisfy { $0.pathsAgreeing == 1 })
    }

    @Test("a target in our own table counts as a path of its own and is not asked where it is")
    func knownTarget() {
        let target = others[3]
        var lookup = Lookup(
            target.verified.nodeID, options(), own: own.peer,
            starts: starts(others.prefix(4), target.verified.nodeID), now: .seconds(0))
        let queries = run(&lookup) { _ in [] }
        let result = lookup.result(now: .seconds(1))
        #expect(queries.count == 3 && !queries.contains { $0.node.peer == target.peer })
        #expect(result.paths == 4 && result.pathsAgreeing == 1 && result.hops == 1)
    }

    @Test("with nobody to ask a lookup is over at once and has found nothing")
    func nobodyToAsk() {
        var lookup = Lookup(NodeID(Bytes32.zero), options(), own: own.peer, starts: [], now: .seconds(0))
        #expect(lookup.isFinished && lookup.next().isEmpty)
        #expect(lookup.result(now: .seconds(0)).found == nil)
    }

    @Test("when time is up the lookup is over whatever is still out")
    func expires() {
        let target = NodeID(Bytes32.zero)
        var lookup = Lookup(
            target, options(), own: own.peer, starts: starts(others.prefix(16), target), now: .seconds(5))
        let waiting = lookup.next()
        #expect(!lookup.isFinished && lookup.deadline == .seconds(35))
        lookup.expire()
        #expect(lookup.isFinished && lookup.next().isEmpty)
        lookup.answered(waiting[0].node.peer, [others[50].verified], reach: .internet)
        #expect(lookup.next().isEmpty)
    }

    @Test("answers of nodes that were not asked change nothing")
    func unasked() {
        let target = others[9]
        var lookup = Lookup(
            target.verified.nodeID, options(), own: own.peer,
            starts: starts(others.prefix(4), target.verified.nodeID), now: .seconds(0))
        _ = lookup.next()
        lookup.answered(others[100].peer, [target.verified], reach: .internet)
        lookup.failed(others[101].peer)
        #expect(lookup.result(now: .seconds(0)).found == nil)
    }
}
