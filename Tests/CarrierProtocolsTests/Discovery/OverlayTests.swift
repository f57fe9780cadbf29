import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

/// Many nodes on a virtual clock.
@Suite struct DiscoveryOverlayTests {
    static let verifier = SharedVerifier(Cast.anyPuzzle)

    @Test("nodes that join one after another find each other, and recover when a third of them dies")
    func growsAndRecovers() throws {
        let overlay = try Overlay(40, Self.verifier, seed: 11)
        var links = SimulatedNetwork.Links()
        links.connects = true
        let network = SimulatedNetwork(links, seed: 4)
        var configuration = DiscoveryConfiguration()
        configuration.verifier = Self.verifier
        for member in overlay.members.shuffled(using: &network.random) {
            let node = try network.add(member.identity, member.verified.record, [Discovery(configuration)])
            if node == 0 { configuration.bootstrap = [try Address(member.verified.record.addresses[0])] }
            network.start(node)
            network.run(for: .milliseconds(300))
        }
        network.run(for: .seconds(20))
        #expect(network.nodes.allSatisfy { $0.host.context.contacts.count >= 30 })
        #expect(lookups(network, Array(0..<40)) == 120)
        let dead = Set((1..<40).shuffled(using: &network.random).prefix(12))
        for node in dead { network.kill(node) }
        network.run(for: .seconds(60))
        let living = network.nodes.indices.filter { !dead.contains($0) }
        let gone = Set(dead.map { network.nodes[$0].record.peer })
        for node in living {
            #expect(network.nodes[node].host.context.contacts.contacts.allSatisfy { !gone.contains($0.peer) })
        }
        #expect(lookups(network, living) == 3 * living.count)
        #expect(network.penalties == 0)
    }

    /// How many of three lookups of each node find their target.
    func lookups(_ network: SimulatedNetwork, _ living: [Int]) -> Int {
        var found = 0
        network.onNotice = { _, notice in
            if let notice = notice as? LookupFinished, notice.result.found != nil { found += 1 }
        }
        for (index, node) in living.enumerated() {
            for step in 1...3 {
                let place = network.nodes[living[(index + step * 5) % living.count]].record.peer.nodeID
                network.with(node, Discovery.self) { _ = $0.lookup(place, LookupOptions(), &$1) }
            }
        }
        network.run(for: .seconds(31))
        return found
    }

    /// The share of lookups between honest nodes that find their target.
    func success(_ overlay: Overlay, adversaries share: Int, paths: Int, lookups: Int) throws -> Double {
        var configuration = DiscoveryConfiguration()
        configuration.verifier = Self.verifier
        configuration.upkeepInterval = .zero
        let network = SimulatedNetwork(seed: 9)
        var random = SeededRandom(10)
        for member in overlay.members {
            let node = try network.add(member.identity, member.verified.record, [Discovery(configuration)])
            var table = RoutingTable(own: member.verified.nodeID)
            overlay.fill(&table, now: network.now, using: &random)
            network.setContacts(table, of: node)
        }
        let order = Array(overlay.members.indices).shuffled(using: &random)
        let bad = order.prefix(order.count * share / 100)
        network.collude(Array(bad), overlay)
        let honest = Array(order.dropFirst(bad.count))
        var found = 0
        network.onNotice = { _, notice in
            if let notice = notice as? LookupFinished, notice.result.found != nil { found += 1 }
        }
        for index in 0..<lookups {
            let (from, to) = (honest[index % honest.count], honest[(index * 7 + 3) % honest.count])
            network.schedule(after: .milliseconds(Int64(index))) {
                var options = LookupOptions()
                options.alpha = 1
                options.paths = paths
                let place = overlay.members[to].verified.nodeID
                network.with(from, Discovery.self) { _ = $0.lookup(place, options, &$1) }
            }
        }
        network.run()
        return Double(found) / Double(lookups)
    }

    @Test("row 32: disjoint paths find their way past colluding adversaries")
    func adversaries() throws {
        let overlay = try Overlay(400, Self.verifier, seed: 12)
        #expect(try success(overlay, adversaries: 0, paths: 1, lookups: 60) == 1)
        #expect(try success(overlay, adversaries: 20, paths: 8, lookups: 60) >= 0.99)
        #expect(try success(overlay, adversaries: 50, paths: 8, lookups: 60) >= 0.82)
    }
}
