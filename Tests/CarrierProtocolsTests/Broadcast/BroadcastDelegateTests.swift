import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

/// Row 34: delegates that are slow, silent, or late.
extension BroadcastComponentTests {
    static let silence = Answer.failed(.timeout(.milliseconds(500)))

    func send(_ bench: inout Bench, within: Duration = .seconds(10)) {
        var options = BroadcastOptions()
        options.reportTimeout = within
        bench.run { host in
            _ = try? host.with(BroadcastTree.self) {
                _ = try $0.broadcast(ByteBuffer(string: "hi"), opcode: Opcode(1000), options, &$1)
            }
        }
    }

    func delegate(_ index: Int, _ bench: Bench) throws -> Cast.Member {
        try #require(peers.first { $0.peer == bench.sent[index].to.peer })
    }

    @Test("a large message has longer to arrive before the next contact gets it, too")
    func hopTimeoutBySize() throws {
        var bench = try bench()
        bench.receive(
            try message(peers[350], body: String(repeating: "x", count: 2 << 20), report: true), from: peers[0])
        #expect(!bench.sent(.broadcast).isEmpty)
        for index in bench.sent(.broadcast) {
            guard case .ack(_, within: .milliseconds(8500)) = bench.sent[index].expectation else {
                Issue.record("expected an ack within 8.5 s to be asked for")
                return
            }
        }
        // As long as a delegate may take, so long its report may.
        bench.wait(.seconds(8.5))
        #expect(bench.sent(.broadcastReport).isEmpty)
    }

    @Test(
        "what a replaced delegate reports late counts; a report without it is not complete", arguments: [true, false])
    func lateDelegate(reports: Bool) throws {
        var bench = try bench()
        send(&bench)
        let asked = bench.sent(.broadcast)
        let crowded = try #require(
            asked.first { index in
                let height = (try? Broadcast(fields: bench.sent[index].frame.body).height) ?? 0
                return peers.prefix(30).filter { bucket($0) == Int(height) }.count > 1
            })
        bench.answer(crowded, Self.silence)
        let next = bench.sent(.broadcast).dropFirst(asked.count)
        #expect(next.count == 1)
        let id = try Broadcast(fields: bench.sent[crowded].frame.body).id
        if reports {
            let late = BroadcastReport(id: id, reached: 100, duplicates: 2, depth: 3)
            bench.receive(late, from: try delegate(crowded, bench))
        }
        for index in asked.filter({ $0 != crowded }) + next {
            bench.answer(index, .acknowledged)
            bench.receive(
                BroadcastReport(id: id, reached: 1, duplicates: 0, depth: 1), from: try delegate(index, bench))
        }
        let report = try #require(bench.notices(BroadcastReported.self).first)
        #expect(report.isComplete == reports)
        #expect(report.reached == asked.count + (reports ? 100 : 0) && report.duplicates == (reports ? 2 : 0))
        #expect(report.asked == asked.count && report.acknowledged == asked.count)
        #expect(report.delegates.compactMap(\.report).map(\.reached).reduce(0, +) == report.reached)
    }

    @Test("when the time for reports is over, silent delegates are still replaced until their buckets are used up")
    func replacementGoesOn() throws {
        var bench = try bench()
        send(&bench, within: .seconds(1))
        let first = bench.sent(.broadcast)
        bench.wait(.seconds(1.1))
        #expect(bench.notices(BroadcastReported.self).map(\.isComplete) == [false])
        #expect(bench.sent(.broadcast) == first)
        var index = 0
        while index < bench.sent.count {
            bench.answer(index, Self.silence)
            index += 1
        }
        #expect(Set(bench.sent(.broadcast).map { bench.sent[$0].to.peer }) == Set(peers.prefix(30).map(\.peer)))
        #expect(bench.notices(BroadcastReported.self).count == 1 && bench.notices(BroadcastSent.self).count == 1)
    }

    @Test("a depth that no tree has is not passed on")
    func depthThatLies() throws {
        var bench = try bench()
        send(&bench)
        for index in bench.sent(.broadcast) {
            let copy = try Broadcast(fields: bench.sent[index].frame.body)
            bench.answer(index, .acknowledged)
            let lie = BroadcastReport(id: copy.id, reached: 1, duplicates: 0, depth: .max)
            bench.receive(lie, from: try delegate(index, bench))
        }
        let report = try #require(bench.notices(BroadcastReported.self).first)
        // One hop to the delegate of the highest bucket, and one at most for each bucket below.
        #expect(report.depth == 1 + (peers.prefix(30).map(bucket).max() ?? 0))
    }
}
