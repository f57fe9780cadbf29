import CarrierCrypto
import CarrierTesting
import NIOCore
import Testing

@testable import CarrierProtocols
@testable import CarrierWire

/// Row 34: what many messages, and large ones, do.
extension BroadcastComponentTests {
    func small(
        _ origin: Cast.Member, _ index: Int, height: UInt16 = 256, report: Bool = false, bytes: Int = 0
    ) throws -> Broadcast {
        try Broadcast(
            signedBy: origin.identity, sequence: Bench.epoch + UInt64(index), message: Opcode(1000), codec: .bytes,
            body: ByteBuffer(repeating: 1, count: bytes), height: height, wantsReport: report)
    }

    @Test(
        "row 34: a message that had to be forgotten before its time is not taken again, and its late acks harm nothing")
    func forgottenTooEarly() throws {
        var bench = try bench { $0.idLimit = 2 }
        let first = try message(peers[350])
        bench.receive(first, from: peers[0])
        let asked = bench.sent(.broadcast)
        #expect(asked.count >= 2)
        for index in 1...3 { bench.receive(try small(peers[350 + index], index, height: 0), from: peers[0]) }
        // Of this height, only the nearest bucket would be asked.
        var again = first
        again.height = UInt16(clamping: 1 + (peers.prefix(30).map(bucket).min() ?? 0))
        bench.receive(again, from: peers[0])
        #expect(bench.notices(BroadcastReceived.self).count == 4)
        #expect(bench.sent(.broadcast) == asked)
        for index in asked.reversed() { bench.answer(index, .failed(.timeout(.milliseconds(500)))) }
        #expect(bench.sent(.broadcast).count > asked.count)
        // What is newer than all that was forgotten is taken.
        bench.receive(try small(peers[355], 10), from: peers[0])
        #expect(bench.notices(BroadcastReceived.self).count == 5)
    }

    @Test("row 34: a flood from ahead of time that makes a node forget hides no honest message, and none comes twice")
    func floodFromAhead() throws {
        var bench = try bench { $0.idLimit = 16 }
        let flood = try (0..<200).map { try small(peers[$0 + 100], 20_000_000 + $0, height: 0) }
        for message in flood { bench.receive(message, from: peers[0]) }
        #expect(bench.notices(BroadcastReceived.self).count == 200)
        for index in 0..<40 { bench.receive(try small(peers[index], index, height: 0), from: peers[1]) }
        #expect(bench.notices(BroadcastReceived.self).count == 240)
        for message in flood { bench.receive(message, from: peers[2]) }
        #expect(bench.notices(BroadcastReceived.self).count == 240)
        // They come from 20 s ahead, and so are known for 140 s.
        bench.wait(.seconds(139))
        for message in flood { bench.receive(message, from: peers[3]) }
        #expect(bench.notices(BroadcastReceived.self).count == 240)
    }

    @Test("what was forgotten leaves a trace that is found for certain, and is taken for nothing else")
    func forgottenIDs() throws {
        var forgotten = ForgottenIDs()
        let ids = (0..<40_000).map { Broadcast.ID(origin: own.peer, sequence: $0) }
        for (index, id) in ids.prefix(20_000).enumerated() {
            let now = Instant.seconds(Double(index) / 100)
            forgotten.insert(id, until: now + .seconds(150), now: now)
        }
        let late = Instant.seconds(200)
        // A filter a minute; what was forgotten in the first fifty seconds could not come again any more.
        #expect(ids[5000..<20_000].allSatisfy { forgotten.mayContain($0, now: late) })
        #expect(ids.dropFirst(20_000).count { forgotten.mayContain($0, now: late) } < 5)
        #expect(forgotten.count <= 4)
        forgotten.expire(.seconds(351))
        #expect(!ids.contains { forgotten.mayContain($0, now: late) })
    }

    @Test("row 34: no more messages wait to be announced than are remembered, and what is forgotten is counted")
    func announcements() throws {
        var bench = try bench {
            $0.idLimit = 8
            $0.digestRounds = 3
        }
        for index in 0..<100 { bench.receive(try small(peers[index + 100], index, height: 0), from: peers[0]) }
        let waiting = bench.host.with(BroadcastTree.self) { tree, _ in tree.announcements.count }
        #expect(waiting == 8)
        #expect(bench.reached.count { $0 == .broadcastIDs } == 92)
        bench.wait(.seconds(7))
        #expect(bench.host.with(BroadcastTree.self) { tree, _ in tree.announcements.isEmpty } == true)
    }

    @Test("row 34: no more bytes of bodies are kept than allowed, and what is forgotten for others is counted")
    func bodies() throws {
        var bench = try bench { $0.bodyLimit = 10_000 }
        func kept() throws -> Int { try #require(bench.host.limits.first { $0.name == .broadcastBodies }?.used) }
        bench.receive(try small(peers[100], 0, bytes: 1000), from: peers[0])
        let size = try kept()
        #expect((1000..<1500).contains(size))
        for index in 1..<20 { bench.receive(try small(peers[index + 100], index, bytes: 1000), from: peers[0]) }
        let room = 10_000 / size
        #expect(try kept() == room * size && bench.reached.count { $0 == .broadcastBodies } == 20 - room)
        // One that is larger than all the room is not kept, and costs no other its place.
        bench.receive(try small(peers[150], 20, bytes: 20_000), from: peers[0])
        #expect(try kept() == room * size && bench.reached.count { $0 == .broadcastBodies } == 21 - room)
    }

    @Test("row 34: one sender has so many new messages taken, whoever their origins are; another is not held back")
    func floodOfOrigins() throws {
        var bench = try bench(4) { $0.senderRate = TokenBucket.Rate(perSecond: 10, burst: 50) }
        func flood(_ range: Range<Int>, from sender: Cast.Member) throws {
            for index in range { bench.receive(try small(peers[100 + index], index), from: sender) }
        }
        try flood(0..<80, from: peers[0])
        #expect(bench.notices(BroadcastReceived.self).count == 50)
        #expect(bench.reached.count { $0 == .senderBroadcasts } == 30)
        // Over the rate nobody looks at signatures.
        var forged = try small(peers[90], 1).frame()
        // Of another origin, for whom the signature does not hold.
        forged.body.setInteger(UInt8(0xff), at: 3)
        bench.run { _ = $0.receive(Inbound(peer: peers[0].peer, frame: forged)) }
        #expect(bench.blamed.isEmpty)
        // What is known costs nothing; what was dropped is taken from another.
        try flood(0..<60, from: peers[1])
        #expect(bench.notices(BroadcastReceived.self).count == 60)
        bench.now = bench.now + .seconds(1)
        try flood(100..<120, from: peers[0])
        #expect(bench.notices(BroadcastReceived.self).count == 70)
        let defaults = BroadcastConfiguration()
        #expect(defaults.senderRate == TokenBucket.Rate(perSecond: 400, burst: 1000))
        #expect(defaults.originRate == TokenBucket.Rate(perSecond: 20, burst: 100))
    }

    @Test("row 34: large messages cost their origin more, a single one is always possible")
    func largeMessages() throws {
        var bench = try bench(2)
        for index in 0..<8 { bench.receive(try small(peers[350], index, bytes: 1 << 20), from: peers[0]) }
        #expect(bench.notices(BroadcastReceived.self).count == 6)
        for index in 8..<16 { bench.receive(try small(peers[350], index), from: peers[0]) }
        #expect(bench.notices(BroadcastReceived.self).count == 10)
        bench.receive(try small(peers[351], 0, bytes: 4_194_000), from: peers[0])
        #expect(bench.notices(BroadcastReceived.self).count == 11)
    }

    @Test("our own large messages keep to what others allow, and none is lost")
    func ownLargeMessages() throws {
        var bench = try bench(1)
        for _ in 0..<7 {
            bench.run { host in
                _ = try? host.with(BroadcastTree.self) {
                    let body = ByteBuffer(repeating: 7, count: 1 << 20)
                    _ = try $0.broadcast(body, opcode: Opcode(1000), BroadcastOptions(), &$1)
                }
            }
        }
        #expect(bench.sent(.broadcast).count == 5)
        bench.wait(.seconds(1))
        #expect(bench.sent(.broadcast).count == 6)
        bench.wait(.seconds(1))
        #expect(bench.sent(.broadcast).count == 7)
    }

    @Test("row 34: a flood that wants reports does not keep the next message from being passed on")
    func fullTree() throws {
        var bench = try bench { $0.treeLimit = 4 }
        var before = 0
        for index in 0..<10 {
            bench.receive(try small(peers[350 + index], index, report: true), from: peers[0])
            let sent = bench.sent(.broadcast)
            #expect(sent.count > before)
            for index in sent.dropFirst(before) { bench.answer(index, .acknowledged) }
            before = sent.count
        }
        // The oldest six had to report what was known then: this node alone.
        let reports = try bench.sent(.broadcastReport).map { try BroadcastReport(fields: bench.sent[$0].frame.body) }
        #expect(reports.map(\.reached) == Array(repeating: 1, count: 6))
    }
}
