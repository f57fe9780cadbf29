import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite struct DiscoveryComponentTests {
    let own = Cast.members[0]
    let peers = Array(Cast.members.dropFirst())

    func bench(_ change: (inout DiscoveryConfiguration) -> Void = { _ in }, own: Cast.Member? = nil) throws -> Bench {
        var configuration = DiscoveryConfiguration()
        configuration.verifier = Cast.verifier
        configuration.upkeepInterval = .zero
        change(&configuration)
        return try Bench(own ?? self.own, [Discovery(configuration)])
    }

    func lookup(_ bench: inout Bench, _ target: NodeID, _ options: LookupOptions = LookupOptions()) -> Ticket? {
        var ticket: Ticket?
        bench.run { host in ticket = host.with(Discovery.self) { $0.lookup(target, options, &$1) } }
        return ticket
    }

    // MARK: Answering

    @Test("answers hold the nearest contacts, closest first, without the asker, at most 20")
    func answersTheNearest() throws {
        var bench = try bench()
        for peer in peers.prefix(40) { bench.connect(peer) }
        let target = NodeID(Bytes32.zero)
        let before = bench.sent.count
        bench.receive(LookupNodeRequest(target: target, count: 255), from: peers[0], flags: .request, nonce: 7)
        let reply = try #require(bench.sent.dropFirst(before).first)
        #expect(reply.frame.flags == .reply && reply.frame.nonce == 7 && reply.to.peer == peers[0].peer)
        let records = try LookupNodeResponse(fields: reply.frame.body).records
        let expected = peers[1..<40].map(\.verified).sorted {
            $0.nodeID.distance(to: target) < $1.nodeID.distance(to: target)
        }
        #expect(records.map(\.peer.short) == expected.prefix(20).map(\.peer.short))
    }

    @Test("a peer has 40 lookups at once and 20 a second answered, and others do not suffer")
    func answersAreLimited() throws {
        var bench = try bench()
        bench.connect(peers[0])
        bench.connect(peers[1])
        func ask(_ peer: Cast.Member, _ count: Int) -> Int {
            let before = bench.sent.count
            for nonce in 0..<count {
                bench.receive(
                    LookupNodeRequest(target: own.verified.nodeID, count: 1), from: peer, flags: .request,
                    nonce: UInt32(nonce + 1))
            }
            return bench.sent.count - before
        }
        #expect(ask(peers[0], 100) == 40)
        #expect(ask(peers[1], 1) == 1)
        let unanswered = bench.reached.count { $0 == .lookupsAnswered }
        bench.now = bench.now + .seconds(1)
        #expect(ask(peers[0], 100) == 20)
        #expect(unanswered > 0 && bench.reached.count { $0 == .lookupsAnswered } == unanswered + 80)
    }

    @Test("malformed requests cost the sender something and nothing else")
    func malformedRequests() throws {
        var bench = try bench()
        for length in 0..<33 {
            let frame = Frame(.lookupNodeRequest, flags: .request, nonce: 1, body: .init(repeating: 7, count: length))
            bench.run { _ = $0.receive(Inbound(peer: peers[0].peer, frame: frame)) }
        }
        bench.receive(LookupNodeRequest(target: own.verified.nodeID, count: 1), from: peers[0])
        #expect(bench.blamed.count == 34)
        #expect(bench.sent.isEmpty)
    }

    @Test("private and loopback addresses are not told to public peers; one datagram holds what fits")
    func tellsNoSecrets() throws {
        var bench = try bench()
        let lan = try #require(Cast.member(900, addresses: ["tcp://192.168.1.9:4000", "tcp://9.8.7.6:4000"]))
        bench.connect(lan, at: "tcp://192.168.1.9:4000")
        for peer in peers[1..<20] { bench.connect(peer) }
        bench.connect(peers[0], at: "udp://198.51.100.7:4000")
        bench.receive(
            LookupNodeRequest(target: lan.verified.nodeID, count: 20), from: peers[0], flags: .request, nonce: 1)
        let reply = try #require(bench.sent.last { $0.frame.opcode == .lookupNodeResponse })
        let records = try LookupNodeResponse(fields: reply.frame.body).records
        #expect(!records.contains(lan.record))
        #expect(records.count >= 5 && reply.frame.encodedSize + 13 + 16 <= 1200)
        // Who stands in the same network may hear of it.
        bench.connect(peers[30], at: "tcp://192.168.1.30:4000")
        bench.receive(
            LookupNodeRequest(target: lan.verified.nodeID, count: 1), from: peers[30], flags: .request, nonce: 1)
        let inner = try #require(bench.sent.last { $0.frame.opcode == .lookupNodeResponse })
        #expect(try LookupNodeResponse(fields: inner.frame.body).records == [lan.record])
    }

    // MARK: Answers of others

    @Test(
        "rows 25 and 26: an answer is cleaned: ourselves, the teller, doubles, forgeries, poison and clients are dropped"
    )
    func answersAreCleaned() throws {
        var bench = try bench()
        bench.connect(peers[0])
        let loopback = try #require(Cast.member(901, addresses: ["tcp://127.0.0.1:1", "tcp://10.0.0.1:4000"]))
        let client = try #require(Cast.member(902, addresses: []))
        var forged = Writer()
        peers[5].record.write(to: &forged)
        forged.buffer.setInteger(UInt8(0xff), at: 64)
        var reader = Reader(forged.buffer)
        let forgery = try PeerRecord(from: &reader)

        _ = lookup(&bench, NodeID(Bytes32.zero))
        let query = try #require(bench.sent(.lookupNodeRequest).first)
        let told = [
            own.record, peers[0].record, peers[1].record, peers[1].record, forgery, loopback.record, client.record,
        ]
        bench.answer(query, with: told)
        let asked = bench.sent(.lookupNodeRequest).dropFirst().map { bench.sent[$0].to.peer }
        #expect(Set(asked) == [peers[1].peer])
        #expect(bench.blamed == [peers[0].peer])
        #expect(bench.contacts.contacts.map(\.peer) == [peers[0].peer])
    }

    @Test("row 25: of an answer with too many records the first ones are taken, and the peer stays at a price")
    func answersAreCut() throws {
        var bench = try bench()
        bench.connect(peers[0])
        _ = lookup(&bench, NodeID(Bytes32.zero))
        bench.answer(try #require(bench.sent(.lookupNodeRequest).first), with: Cast.records(10..<40))
        let asked = Set(bench.sent(.lookupNodeRequest).dropFirst().map { bench.sent[$0].to.peer })
        #expect(!asked.isEmpty && asked.isSubset(of: Cast.records(10..<30).map(\.peer)))
        #expect(bench.blamed == [peers[0].peer] && bench.contacts.count == 1)
    }

    @Test("a record whose puzzle is too weak is dropped")
    func weakPuzzles() throws {
        var bench = try bench { $0.verifier = SignatureVerifier(Puzzle.Difficulty(staticBits: 30, dynamicBits: 8)) }
        bench.connect(peers[0])
        _ = lookup(&bench, NodeID(Bytes32.zero))
        bench.answer(try #require(bench.sent(.lookupNodeRequest).first), with: Cast.records(10..<20))
        #expect(bench.sent(.lookupNodeRequest).count == 1)
        #expect(bench.notices(LookupFinished.self).count == 1)
    }

    @Test("row 25: a stale record gives way to the newer one that we hold")
    func staleRecords() throws {
        var bench = try bench()
        let stale = try #require(Cast.member(30, addresses: ["tcp://9.9.9.9:1"], sequence: 1))
        let fresh = try #require(Cast.member(30, addresses: ["tcp://9.9.9.8:1"], sequence: 2))
        bench.connect(fresh)
        bench.connect(peers[0])
        _ = lookup(&bench, stale.verified.nodeID)
        bench.answer(try #require(bench.sent(.lookupNodeRequest).first), with: [stale.record])
        let result = try #require(bench.notices(LookupFinished.self).first).result
        #expect(result.found?.record == fresh.record)
        #expect(bench.contacts.contact(fresh.verified.nodeID)?.record == fresh.record)
    }

    @Test("row 27: answers that all name one victim make us dial it 16 times, then once a second")
    func victimsAreSpared() throws {
        var bench = try bench()
        bench.connect(peers[0])
        let sybils = (0..<60).compactMap { Cast.member(2000 + $0, addresses: ["tcp://203.0.113.5:\($0 + 1)"]) }
        var options = LookupOptions()
        options.goal = .closest(16)
        options.alpha = 16
        for round in 0..<3 {
            _ = lookup(&bench, NodeID(Bytes32.zero), options)
            let query = try #require(bench.sent(.lookupNodeRequest).last { bench.sent[$0].to.peer == peers[0].peer })
            bench.answer(query, with: sybils[round * 20..<round * 20 + 20].map(\.record))
        }
        let dials = bench.sent.flatMap(\.to.addresses).filter { $0.host == "203.0.113.5" }
        #expect(dials.count == 16)
        #expect(bench.reached.contains(.dials))
    }

    // MARK: Lookups

    @Test("a lookup with nobody to ask is over at once, empty")
    func nobody() throws {
        var bench = try bench()
        let ticket = lookup(&bench, NodeID(Bytes32.zero))
        let finished = try #require(bench.notices(LookupFinished.self).first)
        #expect(finished.ticket == ticket && finished.result.found == nil && finished.result.queries == 0)
    }

    @Test("row 31: a lookup whose nodes never answer is over after its time")
    func silence() throws {
        var bench = try bench()
        for peer in peers.prefix(10) { bench.connect(peer) }
        _ = lookup(&bench, NodeID(Bytes32.zero))
        bench.wait(.seconds(29))
        #expect(bench.notices(LookupFinished.self).isEmpty)
        bench.wait(.seconds(2))
        #expect(bench.notices(LookupFinished.self).count == 1)
        #expect(bench.reached.contains(.lookup))
    }

    @Test("256 lookups run at a time; one more is refused at once, and counted")
    func tooManyLookups() throws {
        var bench = try bench()
        bench.connect(peers[0])
        for _ in 0..<256 { _ = lookup(&bench, NodeID(Bytes32.zero)) }
        #expect(bench.notices(LookupFinished.self).isEmpty && !bench.reached.contains(.lookups))
        let refused = lookup(&bench, NodeID(Bytes32.zero))
        let finished = bench.notices(LookupFinished.self)
        #expect(finished.map(\.ticket) == [refused] && finished.first?.result.queries == 0)
        #expect(bench.reached.count { $0 == .lookups } == 1)
        #expect(bench.sent(.lookupNodeRequest).count == 256)
        // One that ends makes room.
        bench.answer(bench.sent(.lookupNodeRequest)[0], with: [])
        _ = lookup(&bench, NodeID(Bytes32.zero))
        #expect(bench.sent(.lookupNodeRequest).count == 257)
    }

    @Test("what the table refuses, and what finds it full, is counted")
    func fullTable() throws {
        var limits = RoutingTable.Limits()
        limits.siblings = 1
        limits.bucketSize = 1
        limits.replacements = 1
        var bench = try Bench(own, [Discovery(DiscoveryConfiguration())], limits: limits)
        let far = peers.filter { own.verified.nodeID.bucket(of: $0.verified.nodeID) == 255 }
        for peer in far.prefix(12) { bench.connect(peer) }
        #expect(Set(bench.reached) == [.bucket, .replacements, .siblings])
        var diverse = try self.bench()
        for (index, peer) in far.prefix(3).enumerated() { diverse.connect(peer, at: "tcp://203.0.113.\(index):4000") }
        #expect(diverse.reached == [.subnetInBucket])
        for (index, peer) in peers.enumerated() { diverse.connect(peer, at: "tcp://203.0.113.\(index % 250 + 1):4000") }
        #expect(diverse.reached.contains(.subnetInTable) && diverse.contacts.count == 10)
    }

    @Test("the limit of siblings is reached when a nearer contact takes the place of one, not when the list fills")
    func fullSiblings() throws {
        var limits = RoutingTable.Limits()
        limits.siblings = 3
        var bench = try Bench(own, [Discovery(DiscoveryConfiguration())], limits: limits)
        let nearestFirst = peers.sorted {
            own.verified.nodeID.distance(to: $0.verified.nodeID) < own.verified.nodeID.distance(to: $1.verified.nodeID)
        }
        for peer in nearestFirst[1...3] { bench.connect(peer) }
        #expect(bench.contacts.siblings.count == 3 && bench.reached.isEmpty)
        for peer in nearestFirst[4...6] { bench.connect(peer) }
        #expect(bench.contacts.count == 6 && bench.reached.isEmpty)
        bench.connect(nearestFirst[0])
        #expect(bench.contacts.count == 7 && bench.reached == [.siblings])
    }

    @Test("with trace each query, response and failure is told; with verify the found address is dialled")
    func traceAndVerify() throws {
        var bench = try bench()
        bench.connect(peers[0])
        bench.connect(peers[1])
        var options = LookupOptions()
        options.isTraced = true
        options.verifies = true
        _ = lookup(&bench, peers[9].verified.nodeID, options)
        let queries = bench.sent(.lookupNodeRequest)
        #expect(queries.count == 2)
        bench.now = bench.now + .milliseconds(20)
        bench.answer(queries[0], with: [peers[9].record])
        bench.answer(queries[1], .failed(.timeout(.seconds(3))))
        #expect(bench.notices(LookupFinished.self).isEmpty)
        let dial = try #require(bench.dials.first)
        #expect(dial.address.peer == peers[9].peer)
        bench.run { $0.dialled(component: 0, dial.ticket, .failure(.unreachable("refused"))) }
        let result = try #require(bench.notices(LookupFinished.self).first).result
        #expect(bench.reached == [.lookupQuery])
        #expect(result.addresses.map(\.isVerified) == [false])
        #expect(result.addresses.map(\.pathsAgreeing) == [1] && result.paths == 2)
        var kinds: [String] = []
        for trace in bench.notices(LookupTraced.self) {
            switch trace.event {
            case .query(_, _, let namedBy): kinds.append("query \(trace.hop) \(namedBy == nil)")
            case .response(_, let time, let peers, let names):
                kinds.append("response \(peers) \(time == .milliseconds(20)) \(names)")
            case .failure: kinds.append("failure")
            }
        }
        #expect(kinds == ["query 1 true", "query 1 true", "response 1 true true", "failure"])
    }

    @Test("an answer that is no lookup answer counts as none and costs the peer something")
    func wrongAnswers() throws {
        var bench = try bench()
        bench.connect(peers[0])
        _ = lookup(&bench, NodeID(Bytes32.zero))
        bench.answer(try #require(bench.sent(.lookupNodeRequest).first), .reply(Pong(payload: .init()).frame()))
        #expect(bench.blamed == [peers[0].peer])
        #expect(bench.notices(LookupFinished.self).first?.result.failures == 1)
    }

    // MARK: Contacts and joining

    @Test("row 29: who connects to us is asked before it has a place near us; a client never has one")
    func inboundContacts() throws {
        var bench = try bench()
        bench.connect(peers[0], isOutbound: false)
        #expect(bench.contacts.count == 0)
        bench.answer(try #require(bench.sent(.lookupNodeRequest).first), with: [])
        #expect(bench.contacts.contacts.map(\.peer) == [peers[0].peer])
        bench.connect(try #require(Cast.member(903, addresses: [])))
        #expect(bench.contacts.count == 1)
    }

    @Test("a broken connection makes us ask at once, and five silences in a row cost the place")
    func brokenConnections() throws {
        var bench = try bench { $0.upkeepInterval = .seconds(5) }
        bench.run { $0.start() }
        bench.connect(peers[0])
        let info = try #require(bench.host.context.peers[peers[0].peer])
        bench.run { $0.disconnected(info, .broken("reset")) }
        for _ in 0..<12 where bench.contacts.count > 0 {
            for index in bench.sent(.lookupNodeRequest) { bench.answer(index, .failed(.timeout(.seconds(3)))) }
            bench.sent = []
            bench.wait(.seconds(5.6))
        }
        #expect(bench.contacts.count == 0 && bench.reached.count { $0 == .contactFailures } == 1)
    }

    @Test(
        "one that did not answer is not asked again because others tell of it: for a minute, or until its record is newer"
    )
    func absentees() throws {
        var bench = try bench()
        let gone = try #require(Cast.member(40))
        let back = try #require(Cast.member(40, sequence: 2))
        func asked() -> [Int] { bench.sent(.lookupNodeRequest).filter { bench.sent[$0].to.peer == gone.peer } }
        // Who dials us is asked, and its answer tells of others.
        func hear(of record: PeerRecord, from teller: Cast.Member) throws {
            bench.connect(teller, isOutbound: false)
            let query = bench.sent(.lookupNodeRequest).last { bench.sent[$0].to.peer == teller.peer }
            bench.answer(try #require(query), with: [record])
        }
        try hear(of: gone.record, from: peers[0])
        bench.answer(try #require(asked().first), .failed(.timeout(.seconds(3))))
        try hear(of: gone.record, from: peers[1])
        #expect(asked().count == 1)
        try hear(of: back.record, from: peers[2])
        #expect(asked().count == 2)
        bench.answer(try #require(asked().last), .failed(.timeout(.seconds(3))))
        bench.now = bench.now + .seconds(59)
        try hear(of: back.record, from: peers[3])
        #expect(asked().count == 2)
        bench.now = bench.now + .seconds(2)
        try hear(of: back.record, from: peers[4])
        #expect(asked().count == 3)
    }

    @Test("whom a limit of our own kept us from dialling is not to blame, in no table, check or lookup")
    func notDialled() throws {
        let refusal = Answer.failed(.notDialled("full"))
        var bench = try bench()
        bench.connect(peers[0])
        bench.disconnect(peers[0])
        for index in bench.sent(.lookupNodeRequest) { bench.answer(index, refusal) }
        #expect(bench.contacts.contacts.map(\.failures) == [0])

        // Told of by an answer, asked in vain, and asked again when the next one tells of it.
        for (count, teller) in peers[1...2].enumerated() {
            bench.connect(teller, isOutbound: false)
            let query = bench.sent(.lookupNodeRequest).last { bench.sent[$0].to.peer == teller.peer }
            bench.answer(try #require(query), with: [peers[9].record])
            let asked = bench.sent(.lookupNodeRequest).filter { bench.sent[$0].to.peer == peers[9].peer }
            #expect(asked.count == count + 1)
            bench.answer(try #require(asked.last), refusal)
        }

        var options = LookupOptions()
        options.verifies = true
        bench.sent = []
        _ = lookup(&bench, peers[9].verified.nodeID, options)
        let queries = bench.sent(.lookupNodeRequest)
        #expect(queries.count == 3)
        bench.answer(queries[0], refusal)
        for index in queries.dropFirst() { bench.answer(index, with: [peers[9].record]) }
        let dial = try #require(bench.dials.first)
        bench.run { $0.dialled(component: 0, dial.ticket, .failure(.notDialled("full"))) }
        let result = try #require(bench.notices(LookupFinished.self).first).result
        #expect(result.addresses.map(\.isVerified) == [nil])
        #expect(bench.contacts.contacts.map(\.failures) == [0, 0, 0])
    }

    @Test("a peer that has no room is not asked again as soon as it has said so, and not blamed")
    func fullPeer() throws {
        var bench = try bench()
        bench.connect(peers[0])
        _ = lookup(&bench, peers[9].verified.nodeID)
        let full = DisconnectCause.remote(.tooManyConnections, "")
        let queries = bench.sent(.lookupNodeRequest)
        #expect(queries.count == 1)
        for index in queries { bench.answer(index, .failed(.disconnected(full))) }
        bench.disconnect(peers[0], full)
        #expect(bench.sent(.lookupNodeRequest).count == 1 && bench.contacts.contacts.map(\.failures) == [0])
    }

    @Test("in one round four of the contacts are asked that were silent for a minute")
    func rounds() throws {
        var bench = try bench { $0.upkeepInterval = .seconds(5) }
        bench.run { $0.start() }
        for peer in peers.prefix(10) {
            bench.connect(peer)
            bench.disconnect(peer, .local(.shutdown, ""))
        }
        for index in bench.sent(.lookupNodeRequest) { bench.answer(index, with: []) }
        bench.sent = []
        bench.wait(.seconds(58))
        let before = bench.sent(.lookupNodeRequest).count
        bench.wait(.seconds(5.6))
        #expect(bench.sent(.lookupNodeRequest).count - before == 4)
    }

    @Test("without any bootstrap peer the application hears so; with dead ones it hears why, and they are tried again")
    func bootstrapFails() throws {
        var lonely = try bench()
        lonely.run { $0.start() }
        guard case .unreachable(let none)? = lonely.notices(JoinNotice.self).first else {
            Issue.record("expected to hear that nobody can be reached")
            return
        }
        #expect(none.isEmpty)

        let address = try Address("tcp://198.51.100.1:4000")
        var bench = try bench { $0.bootstrap = [address] }
        bench.run { $0.start() }
        var pauses: [Duration] = []
        for round in 0..<4 {
            let dial = try #require(bench.dials.last)
            #expect(bench.dials.count == round + 1 && dial.address == address)
            bench.run { $0.dialled(component: 0, dial.ticket, .failure(.unreachable("refused"))) }
            let next = try #require(bench.timers.map(\.at).min())
            pauses.append(next - bench.now)
            bench.wait(next - bench.now)
        }
        #expect(pauses == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)])
        #expect(bench.notices(JoinNotice.self).count == 4)
    }

    @Test("a node that reaches its bootstrap peer looks itself up and says that it has joined")
    func joins() throws {
        let address = try Address("tcp://198.51.100.1:4000")
        var bench = try bench { $0.bootstrap = [address] }
        bench.run { $0.start() }
        let dial = try #require(bench.dials.first)
        bench.connect(peers[0])
        let info = try #require(bench.host.context.peers[peers[0].peer])
        bench.run { $0.dialled(component: 0, dial.ticket, .success(info)) }
        let query = try #require(bench.sent(.lookupNodeRequest).first)
        #expect(try LookupNodeRequest(fields: bench.sent[query].frame.body).target == own.verified.nodeID)
        var done = 0
        // Everybody answers with nothing new until the node is content.
        while done < bench.sent.count, done < 500 {
            if bench.sent[done].frame.opcode == .lookupNodeRequest { bench.answer(done, with: []) }
            done += 1
        }
        let steps = bench.notices(JoinNotice.self).map { notice in
            switch notice {
            case .unreachable: "unreachable"
            case .joined(let count): "joined \(count)"
            case .settled(let count): "settled \(count)"
            }
        }
        #expect(steps == ["joined 1", "settled 1"])
    }
}
