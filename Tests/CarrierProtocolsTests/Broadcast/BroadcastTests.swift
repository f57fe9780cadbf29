import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite struct BroadcastComponentTests {
    let own = Cast.members[0]
    /// The first one stands in the farthest half, so that it gives us a task that has delegates.
    let peers: [Cast.Member]

    init() throws {
        var peers = Array(Cast.members.dropFirst())
        let own = Cast.members[0].verified.nodeID
        let far = try #require(peers.firstIndex { own.bucket(of: $0.verified.nodeID) == 255 })
        peers.swapAt(0, far)
        self.peers = peers
    }

    /// A node that is connected to the first `count` peers and has them as contacts.
    func bench(
        _ count: Int = 30, _ change: (inout BroadcastConfiguration) -> Void = { _ in }
    ) throws -> Bench {
        var configuration = BroadcastConfiguration()
        change(&configuration)
        var bench = try Bench(own, [BroadcastTree(own.identity, configuration)])
        var table = RoutingTable(own: own.verified.nodeID)
        for peer in peers.prefix(count) {
            _ = table.observe(peer.verified, .answered, at: nil, reach: .internet, now: bench.now)
        }
        bench.host.setContacts(table)
        for peer in peers.prefix(count) { bench.connect(peer) }
        return bench
    }

    func message(
        _ origin: Cast.Member, age: Double = 0, body: String = "hello", height: UInt16 = 256, report: Bool = false
    ) throws -> Broadcast {
        let sequence = UInt64(Double(Bench.epoch) - age * 1e6)
        return try Broadcast(
            signedBy: origin.identity, sequence: sequence, message: Opcode(1000), codec: .bytes,
            body: ByteBuffer(string: body), height: height, wantsReport: report)
    }

    func delegations(_ bench: Bench) throws -> [Broadcast] {
        try bench.sent(.broadcast).map { try Broadcast(fields: bench.sent[$0].frame.body) }
    }

    func bucket(_ member: Cast.Member) -> Int { own.verified.nodeID.bucket(of: member.verified.nodeID) ?? -1 }

    // MARK: Passing on

    @Test("our own message goes to one node of each bucket, with the bucket as its height, and each asks for an ack")
    func originDelegates() throws {
        var bench = try bench()
        bench.run { host in
            _ = try? host.with(BroadcastTree.self) {
                _ = try $0.broadcast(ByteBuffer(string: "hi"), opcode: Opcode(1000), BroadcastOptions(), &$1)
            }
        }
        let sent = try delegations(bench)
        let buckets = Set(peers.prefix(30).map(bucket))
        #expect(Set(sent.map { Int($0.height) }) == buckets && sent.count == buckets.count)
        for index in bench.sent(.broadcast) {
            let delegate = try #require(peers.first { $0.peer == bench.sent[index].to.peer })
            let copy = try Broadcast(fields: bench.sent[index].frame.body)
            #expect(bucket(delegate) == Int(copy.height) && copy.hops == 1 && copy.isSignatureValid)
            if case .ack(_, within: .milliseconds(500)) = bench.sent[index].expectation {
            } else {
                Issue.record("expected an ack within 500 ms to be asked for")
            }
        }
    }

    @Test("row 34: a message is delivered once and passed on below the bucket of its sender, whatever height it names")
    func heightIsClamped() throws {
        var bench = try bench()
        let sender = peers[0]
        for height in [UInt16(256), 65_535] {
            bench.receive(try message(peers[350], body: "\(height)", height: height), from: sender)
        }
        // The same origin and time: one message, told twice.
        #expect(bench.notices(BroadcastReceived.self).count == 1)
        let sent = try delegations(bench)
        #expect(sent.allSatisfy { Int($0.height) < bucket(sender) && $0.hops == 1 })
        #expect(Set(sent.map { Int($0.height) }) == Set(peers.prefix(30).map(bucket).filter { $0 < bucket(sender) }))
    }

    @Test("nothing goes back to the sender or to the origin, and height 0 goes nowhere")
    func noWayBack() throws {
        var bench = try bench()
        bench.receive(try message(peers[3]), from: peers[4])
        #expect(!bench.sent(.broadcast).contains { [peers[3].peer, peers[4].peer].contains(bench.sent[$0].to.peer) })
        let before = bench.sent(.broadcast).count
        bench.receive(try message(peers[350], height: 0), from: peers[4])
        #expect(bench.sent(.broadcast).count == before)
        #expect(bench.notices(BroadcastReceived.self).count == 2)
    }

    @Test("row 34: forged and altered messages are dropped, relayed never, and cost their sender something")
    func forgeries() throws {
        var bench = try bench()
        let frame = try message(peers[350]).frame()
        var rejected = 0
        for place in stride(from: 0, to: frame.body.readableBytes - 5, by: 3) {
            var altered = frame
            let byte = frame.body.getInteger(at: place, as: UInt8.self) ?? 0
            altered.body.setInteger(byte ^ 0x01, at: place)
            bench.run { _ = $0.receive(Inbound(peer: peers[0].peer, frame: altered)) }
            rejected += 1
        }
        #expect(bench.notices(BroadcastReceived.self).isEmpty && bench.sent(.broadcast).isEmpty)
        #expect(bench.blamed.count >= rejected - 3 && Set(bench.blamed) == [peers[0].peer])
        // The origin has done nothing: its true message passes.
        bench.run { _ = $0.receive(Inbound(peer: peers[0].peer, frame: frame)) }
        #expect(bench.notices(BroadcastReceived.self).count == 1)
    }

    @Test("row 34: old, future, replayed and looping messages go nowhere")
    func timesAndLoops() throws {
        var bench = try bench()
        bench.receive(try message(peers[350], age: 121), from: peers[0])
        bench.receive(try message(peers[350], age: -31), from: peers[0])
        bench.receive(try message(own), from: peers[0])
        #expect(bench.notices(BroadcastReceived.self).isEmpty && bench.blamed.isEmpty)
        #expect(bench.reached == [.broadcastAge, .broadcastAge])
        let early = try message(peers[350], age: -29)
        bench.receive(early, from: peers[0])
        bench.receive(early, from: peers[1])
        // As long as it would be taken it is remembered, though it came from ahead.
        bench.wait(.seconds(140))
        bench.receive(early, from: peers[2])
        #expect(bench.notices(BroadcastReceived.self).count == 1)
    }

    @Test("garbage in any of the four messages is penalised and harms nothing", arguments: 0..<12)
    func garbage(seed: UInt64) throws {
        var random = SeededRandom(seed)
        var bench = try bench(10)
        for opcode in [Opcode.broadcast, .broadcastReport, .broadcastDigest, .broadcastWant] {
            let size = Int.random(in: 0..<200, using: &random)
            let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            let frame = Frame(opcode, body: ByteBuffer(bytes: bytes))
            bench.run { _ = $0.receive(Inbound(peer: peers[0].peer, frame: frame)) }
        }
        #expect(bench.blamed.count >= 3)
        #expect(bench.notices.isEmpty)
    }

    @Test("row 34: one origin has 100 messages at once passed on and 20 a second; another is not held back")
    func floods() throws {
        var bench = try bench(4)
        func flood(_ origin: Cast.Member, _ range: Range<Int>) throws {
            for index in range {
                let sequence = Bench.epoch + UInt64(index)
                let message = try Broadcast(
                    signedBy: origin.identity, sequence: sequence, message: Opcode(1000), codec: .bytes,
                    body: ByteBuffer())
                bench.receive(message, from: peers[0])
            }
        }
        try flood(peers[350], 0..<150)
        #expect(bench.notices(BroadcastReceived.self).count == 100)
        #expect(bench.reached.count { $0 == .broadcasts } == 50)
        try flood(peers[351], 0..<10)
        #expect(bench.notices(BroadcastReceived.self).count == 110)
        bench.now = bench.now + .seconds(1)
        try flood(peers[350], 150..<200)
        #expect(bench.notices(BroadcastReceived.self).count == 130)
    }

    @Test("our own messages keep to the rate that others allow, in order, and none is lost")
    func ownRate() throws {
        var bench = try bench(1)
        for index in 0..<120 {
            bench.run { host in
                _ = try? host.with(BroadcastTree.self) {
                    _ = try $0.broadcast(ByteBuffer(integer: index), opcode: Opcode(1000), BroadcastOptions(), &$1)
                }
            }
        }
        #expect(bench.sent(.broadcast).count == 80)
        bench.wait(.seconds(1))
        #expect((97...101).contains(bench.sent(.broadcast).count))
        bench.wait(.seconds(2))
        let sent = try delegations(bench)
        #expect(sent.compactMap { $0.body.getInteger(at: $0.body.readerIndex, as: Int.self) } == Array(0..<120))
        #expect(zip(sent, sent.dropFirst()).allSatisfy { $0.sequence < $1.sequence })
    }

    @Test("what cannot be sent is refused with the reason")
    func refusals() throws {
        var bench = try bench(1) { $0.messageLimit = 100 }
        bench.run { host in
            host.with(BroadcastTree.self) { tree, context in
                #expect(throws: BroadcastError.tooLong(limit: 100, got: 101)) {
                    _ = try tree.broadcast(
                        ByteBuffer(repeating: 0, count: 101), opcode: Opcode(1000), BroadcastOptions(), &context)
                }
                #expect(throws: BroadcastError.notAnApplicationOpcode(.ping)) {
                    _ = try tree.broadcast(ByteBuffer(), opcode: .ping, BroadcastOptions(), &context)
                }
            }
        }
    }

    // MARK: Delegates

    @Test("row 34: a silent delegate is replaced by the next of its bucket until one answers or the bucket is used up")
    func silentDelegates() throws {
        var bench = try bench()
        bench.receive(try message(peers[350]), from: peers[0])
        var index = 0
        while index < bench.sent.count {
            bench.answer(index, .failed(.timeout(.milliseconds(500))))
            index += 1
        }
        let tried = bench.sent(.broadcast).map { bench.sent[$0].to.peer }
        let below = peers.prefix(30).filter { bucket($0) < bucket(peers[0]) }
        #expect(Set(tried) == Set(below.map(\.peer)) && tried.count == below.count)
        #expect(bench.contacts.contacts.filter(\.isSuspect).count == below.count)
    }

    @Test("an acknowledged delegate is not replaced, nor tried again after a late failure")
    func acknowledgedDelegates() throws {
        var bench = try bench()
        bench.receive(try message(peers[350]), from: peers[0])
        let sent = bench.sent(.broadcast)
        for index in sent { bench.answer(index, .acknowledged) }
        for index in sent { bench.answer(index, .failed(.timeout(.milliseconds(500)))) }
        #expect(bench.sent(.broadcast) == sent)
    }

    @Test("with redundancy two, two nodes of each bucket that has them are asked")
    func redundancy() throws {
        var bench = try bench(30) { $0.redundancy = 2 }
        bench.receive(try message(peers[350]), from: peers[0])
        var expected = 0
        for number in 0..<bucket(peers[0]) {
            expected += min(2, peers.prefix(30).filter { bucket($0) == number }.count)
        }
        #expect(bench.sent(.broadcast).count == expected)
        #expect(Set(bench.sent(.broadcast).map { bench.sent[$0].to.peer }).count == expected)
    }

    // MARK: Reports

    @Test("a report sums up what the delegates report, once each, and is sent when all are in")
    func reportsAreSummed() throws {
        var bench = try bench()
        let original = try message(peers[350], report: true)
        bench.receive(original, from: peers[0])
        bench.receive(original, from: peers[1])
        let delegates = bench.sent(.broadcast)
        #expect(delegates.count >= 2)
        for index in delegates {
            bench.answer(index, .acknowledged)
            let delegate = try #require(peers.first { $0.peer == bench.sent[index].to.peer })
            let report = BroadcastReport(id: original.id, reached: 10, duplicates: 1, depth: 4)
            bench.receive(report, from: delegate)
            bench.receive(report, from: delegate)
        }
        let reports = try bench.sent(.broadcastReport).map { index in
            (bench.sent[index].to.peer, try BroadcastReport(fields: bench.sent[index].frame.body))
        }
        // Who gave it again hears at once that there is nothing to wait for.
        #expect(reports.first?.0 == peers[1].peer && reports.first?.1.reached == 0)
        #expect(reports.first?.1.duplicates == 1)
        #expect(reports.count == 2 && reports.last?.0 == peers[0].peer)
        #expect(Int(reports.last?.1.reached ?? 0) == 1 + 10 * delegates.count)
        #expect(Int(reports.last?.1.duplicates ?? 0) == delegates.count)
        #expect(reports.last?.1.depth == 4)
    }

    @Test("reports that lie do not overflow, reports of strangers do not count, missing ones are not waited for long")
    func reportsThatLie() throws {
        var bench = try bench()
        let original = try message(peers[350], report: true)
        bench.receive(original, from: peers[0])
        let delegates = bench.sent(.broadcast)
        for index in delegates { bench.answer(index, .acknowledged) }
        let lie = BroadcastReport(id: original.id, reached: .max, duplicates: .max, depth: .max)
        bench.receive(lie, from: peers[300])
        for index in delegates.dropLast() {
            let delegate = try #require(peers.first { $0.peer == bench.sent[index].to.peer })
            bench.receive(lie, from: delegate)
        }
        #expect(bench.sent(.broadcastReport).isEmpty)
        bench.wait(.seconds(30))
        let index = try #require(bench.sent(.broadcastReport).first)
        let report = try BroadcastReport(fields: bench.sent[index].frame.body)
        #expect(report.reached == 1 + UInt32(delegates.count - 1) << 24)
        #expect(report.depth <= 256)
    }

    @Test("row 34: a delegate whose connection breaks before its report is replaced")
    func brokenDelegates() throws {
        var bench = try bench()
        bench.receive(try message(peers[350], report: true), from: peers[0])
        let first = try #require(
            bench.sent(.broadcast).first { index in
                let height = (try? Broadcast(fields: bench.sent[index].frame.body).height) ?? 0
                return peers.prefix(30).filter { bucket($0) == Int(height) }.count > 1
            })
        bench.answer(first, .acknowledged)
        let before = bench.sent(.broadcast).count
        let info = try #require(bench.host.context.peers[bench.sent[first].to.peer])
        bench.run { $0.disconnected(info, .broken("reset")) }
        #expect(bench.sent(.broadcast).count == before + 1)
    }

    // MARK: Repair

    @Test("new messages are announced to three contacts every two seconds, three times")
    func digests() throws {
        var bench = try bench()
        let original = try message(peers[350])
        bench.receive(original, from: peers[0])
        bench.wait(.seconds(1.9))
        #expect(bench.sent(.broadcastDigest).isEmpty)
        bench.wait(.seconds(60))
        #expect(bench.sent(.broadcastDigest).count == 9)
        for index in bench.sent(.broadcastDigest) {
            #expect(try BroadcastDigest(fields: bench.sent[index].frame.body).ids == [original.id])
        }
    }

    @Test("what a digest names and we lack is asked for once, and who asks us gets it with height 0")
    func repair() throws {
        var bench = try bench()
        let (known, unknown) = (try message(peers[350]), try message(peers[351]))
        bench.receive(known, from: peers[0])
        bench.receive(BroadcastDigest(ids: [known.id, unknown.id]), from: peers[5])
        bench.receive(BroadcastDigest(ids: [known.id, unknown.id]), from: peers[6])
        let wants = bench.sent(.broadcastWant)
        #expect(wants.map { bench.sent[$0].to.peer } == [peers[5].peer])
        #expect(try BroadcastWant(fields: bench.sent[wants[0]].frame.body).ids == [unknown.id])

        let before = bench.sent(.broadcast).count
        bench.receive(BroadcastWant(ids: [unknown.id, known.id]), from: peers[7])
        let repairs = bench.sent(.broadcast).dropFirst(before)
        #expect(repairs.count == 1)
        let index = try #require(repairs.first)
        let copy = try Broadcast(fields: bench.sent[index].frame.body)
        #expect(copy.height == 0 && copy.id == known.id && copy.isSignatureValid && !copy.wantsReport)
        #expect(bench.sent[index].to.peer == peers[7].peer)
    }

    @Test("what one peer can draw by wants, and ask by digests, is bounded")
    func repairIsBounded() throws {
        var bench = try bench(3) { $0.repairRate = TokenBucket.Rate(perSecond: 1, burst: 1000) }
        let original = try message(peers[350], body: String(repeating: "x", count: 200))
        bench.receive(original, from: peers[0])
        let before = bench.sent(.broadcast).count
        for _ in 0..<50 { bench.receive(BroadcastWant(ids: [original.id]), from: peers[1]) }
        #expect((1...4).contains(bench.sent(.broadcast).count - before))
        var random = SeededRandom(2)
        for _ in 0..<200 {
            let fake = try (0..<64).map { _ in
                try Broadcast(
                    signedBy: peers[1].identity, sequence: random.next(), message: Opcode(1000), codec: .bytes,
                    body: ByteBuffer()
                ).id
            }.prefix(2)
            bench.receive(BroadcastDigest(ids: Array(fake)), from: peers[1])
        }
        #expect(bench.sent(.broadcastWant).count == 20)
    }
}
