import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

/// Row 34: gaps are mended, whoever stands in the way.
extension BroadcastComponentTests {
    func wants(_ bench: Bench) throws -> [(peer: PeerID, ids: [Broadcast.ID])] {
        try bench.sent(.broadcastWant).map {
            (bench.sent[$0].to.peer, try BroadcastWant(fields: bench.sent[$0].frame.body).ids)
        }
    }

    func ids(_ count: Int) throws -> [Broadcast.ID] {
        try (0..<count).map { try small(peers[100 + $0], $0).id }
    }

    @Test("row 34: who announces a message and does not send it does not keep others from being asked")
    func silentAnnouncer() throws {
        var bench = try bench()
        let original = try message(peers[350])
        for round in 0..<8 {
            bench.receive(BroadcastDigest(ids: [original.id]), from: peers[5])
            if round == 1 { bench.receive(BroadcastDigest(ids: [original.id]), from: peers[6]) }
            if round == 2 { bench.receive(BroadcastDigest(ids: [original.id]), from: peers[7]) }
            bench.wait(.seconds(0.25))
        }
        #expect(try wants(bench).map(\.peer) == [peers[5].peer, peers[6].peer])
        bench.wait(.seconds(2))
        #expect(try wants(bench).map(\.peer) == [peers[5].peer, peers[6].peer, peers[7].peer])
        bench.receive(original, from: peers[7])
        bench.wait(.seconds(30))
        #expect(try wants(bench).count == 3)
    }

    @Test("a message that came is not asked for again, and of many announcers only some are asked")
    func triesAreBounded() throws {
        var bench = try bench { $0.wantTries = 3 }
        let (lost, found) = (try message(peers[350]), try message(peers[351]))
        for peer in peers.prefix(20) { bench.receive(BroadcastDigest(ids: [lost.id, found.id]), from: peer) }
        bench.receive(found, from: peers[0])
        bench.wait(.seconds(60))
        #expect(try wants(bench).map(\.peer) == peers.prefix(3).map(\.peer))
        #expect(try wants(bench).map(\.ids) == [[lost.id, found.id], [lost.id], [lost.id]])
    }

    @Test("row 34: what one peer may owe is bounded, others are asked for the rest")
    func wantsOfOnePeer() throws {
        var bench = try bench { $0.peerWantLimit = 10 }
        let ids = try ids(20)
        for _ in 0..<3 { bench.receive(BroadcastDigest(ids: ids), from: peers[5]) }
        bench.receive(BroadcastDigest(ids: ids), from: peers[6])
        let wants = try wants(bench)
        #expect(wants.map(\.peer) == [peers[5].peer, peers[6].peer])
        #expect(wants.map(\.ids) == [Array(ids.prefix(10)), Array(ids.suffix(10))])
    }

    @Test("two of three contacts that hear of a message are connected, the third may be anybody")
    func connectedFirst() throws {
        var bench = try bench()
        for peer in peers[5..<30] { bench.disconnect(peer, .remote(.shutdown, "")) }
        let connected = Set(peers[..<5].map(\.peer))
        for number in 0..<12 {
            bench.receive(try small(peers[350 + number % 4], number), from: peers[0])
            bench.wait(.seconds(8))
        }
        let told = bench.sent(.broadcastDigest).map { bench.sent[$0].to.peer }
        #expect(told.count == 108)
        var others: Set<PeerID> = []
        for start in stride(from: 0, to: told.count, by: 3) {
            let round = Set(told[start..<start + 3])
            #expect(round.count == 3 && round.intersection(connected).count >= 2)
            others.formUnion(round.subtracting(connected))
        }
        #expect(others.count > 10)
    }

    @Test("a burst is announced in full, in digests that peers take", arguments: [1, 8])
    func bursts(digestsAtOnce: Int) throws {
        var bench = try bench { $0.digestsAtOnce = digestsAtOnce }
        var burst: Set<Broadcast.ID> = []
        for index in 0..<200 {
            let message = try small(peers[350 + index % 4], index)
            burst.insert(message.id)
            bench.receive(message, from: peers[0])
        }
        bench.wait(.seconds(2))
        #expect(bench.sent(.broadcastDigest).count == (digestsAtOnce == 1 ? 3 : 12))
        bench.wait(.seconds(60))
        var announced: [Broadcast.ID: Int] = [:]
        for index in bench.sent(.broadcastDigest) {
            for id in try BroadcastDigest(fields: bench.sent[index].frame.body).ids { announced[id, default: 0] += 1 }
        }
        #expect(Set(announced.keys) == burst)
        #expect(announced.values.allSatisfy { $0 == 9 })
        #expect(bench.timers.isEmpty)
    }
}
