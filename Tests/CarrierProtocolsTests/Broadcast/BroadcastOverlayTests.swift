import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

/// Broadcasts among many nodes on a virtual clock.
@Suite struct BroadcastOverlayTests {
    struct Outcome {
        var got: [Int: Int] = [:]
        var lastHop = 0
        var sends = 0
        var report: BroadcastReported?
    }

    func broadcast(
        _ count: Int, dead share: Int, redundancy: Int = 1, seed: UInt64
    ) throws -> (Outcome, living: Int) {
        var configuration = BroadcastConfiguration()
        configuration.redundancy = redundancy
        let overlay = try Overlay(count, Cast.verifier, seed: seed)
        let network = SimulatedNetwork(seed: seed)
        var random = SeededRandom(seed)
        for member in overlay.members {
            let tree = BroadcastTree(member.identity, configuration)
            let node = try network.add(member.identity, member.verified.record, [tree])
            var table = RoutingTable(own: member.verified.nodeID)
            overlay.fill(&table, now: network.now, using: &random)
            network.setContacts(table, of: node)
        }
        let order = Array(0..<count).shuffled(using: &random)
        for node in order.prefix(count * share / 100) { network.kill(node) }
        var outcome = Outcome()
        network.onNotice = { node, notice in
            if let notice = notice as? BroadcastReceived {
                outcome.got[node, default: 0] += 1
                outcome.lastHop = max(outcome.lastHop, notice.hops)
            } else if let notice = notice as? BroadcastReported {
                outcome.report = notice
            }
        }
        var options = BroadcastOptions()
        options.reportTimeout = .seconds(60)
        try network.with(order[count - 1], BroadcastTree.self) {
            _ = try $0.broadcast(ByteBuffer(string: "hello"), opcode: Opcode(1000), options, &$1)
        }
        network.run()
        outcome.sends = network.sent[.broadcast] ?? 0
        return (outcome, count - count * share / 100)
    }

    @Test(
        "with everybody alive each node gets the message once, from n-1 sends, and the report counts them",
        arguments: [2, 3, 50, 300])
    func everybodyAlive(count: Int) throws {
        let (outcome, _) = try broadcast(count, dead: 0, seed: UInt64(count))
        #expect(outcome.got.count == count - 1)
        #expect(outcome.got.values.allSatisfy { $0 == 1 })
        #expect(outcome.sends == count - 1)
        #expect(outcome.report?.reached == count - 1 && outcome.report?.duplicates == 0)
        #expect(outcome.report?.isComplete == true && outcome.report?.depth == outcome.lastHop)
        var levels = 0
        while 1 << levels < count { levels += 1 }
        #expect(outcome.lastHop <= levels + 1)
    }

    @Test("each copy over is reported as a duplicate once", arguments: [8, 50])
    func duplicates(count: Int) throws {
        let (outcome, _) = try broadcast(count, dead: 0, redundancy: 4, seed: UInt64(count))
        #expect(outcome.sends > count - 1)
        #expect(outcome.report?.reached == count - 1 && outcome.report?.isComplete == true)
        #expect(outcome.report?.duplicates == outcome.sends - (count - 1))
    }

    @Test("row 34: with 30 % dead and undetected all of the living get it, once, at no more than twice the sends")
    func manyDead() throws {
        for seed in 1...3 {
            let (outcome, living) = try broadcast(300, dead: 30, seed: UInt64(seed))
            #expect(outcome.got.count == living - 1)
            #expect(outcome.got.values.allSatisfy { $0 == 1 })
            #expect(Double(outcome.sends) / Double(living - 1) - 1 <= 1)
        }
    }
}
