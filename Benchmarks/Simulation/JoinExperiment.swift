internal import BenchmarkReport
internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting
internal import CarrierWire
internal import NIOCore

/// A network that grows from one node by joining, loses 30 % of its nodes at once, and recovers: with connections,
/// upkeep and everything that a started node does.
struct JoinExperiment {
    let nodes: Int
    let seed: UInt64

    func run(_ report: Report) throws {
        let network = try grow(report)
        report.row(["join", "N", "phase", "lookups", "found", "broadcasts", "coverage", "contacts"])
        var living = Array(0..<nodes)
        try tell("grown", network, living, report)
        var random = SeededRandom(seed)
        let dead = Set(living.shuffled(using: &random).prefix(nodes * 3 / 10))
        for node in dead { network.kill(node) }
        living.removeAll { dead.contains($0) }
        try tell("killed", network, living, report)
        network.run(for: .seconds(60))
        try tell("after 60 s", network, living, report)
    }

    private func grow(_ report: Report) throws -> SimulatedNetwork {
        let verifier = SharedVerifier(Puzzle.Difficulty(staticBits: 0, dynamicBits: 0))
        let overlay = try Overlay(nodes, verifier, seed: seed)
        var links = SimulatedNetwork.Links()
        links.connects = true
        let network = SimulatedNetwork(links, seed: seed)
        var configuration = DiscoveryConfiguration()
        configuration.verifier = verifier
        for member in overlay.members.shuffled(using: &network.random) {
            let node = try network.add(
                member.identity, member.verified.record, [Discovery(configuration), BroadcastTree(member.identity)])
            if node == 0, let text = member.verified.record.addresses.first {
                configuration.bootstrap = [try Address(text)]
            }
            network.start(node)
            network.run(for: .milliseconds(200))
            if node % 100 == 99 { report.progress("\(node + 1) nodes have joined") }
        }
        network.run(for: .seconds(60))
        return network
    }

    private func tell(_ phase: String, _ network: SimulatedNetwork, _ living: [Int], _ report: Report) throws {
        let found = lookups(1000, network, living)
        let coverage = try broadcasts(10, network, living)
        let contacts = living.map { network.nodes[$0].host.context.contacts.count }.reduce(0, +) / max(1, living.count)
        report.progress("\(phase): found \(found) of 1000, coverage \(Report.number(coverage, 5))")
        report.row(
            ["", "\(nodes)", phase, "1000", "\(found)", "10", Report.number(coverage, 5), "\(contacts)"])
        report.record(
            "join",
            [
                ("nodes", "\(nodes)"), ("living", "\(living.count)"), ("phase", "\"\(phase)\""), ("lookups", "1000"),
                ("found", "\(found)"), ("coverage", Report.number(coverage, 6)), ("contacts_mean", "\(contacts)"),
            ])
    }

    private func lookups(_ count: Int, _ network: SimulatedNetwork, _ living: [Int]) -> Int {
        let counter = Counter()
        network.onNotice = { _, notice in
            if let notice = notice as? LookupFinished, notice.result.found != nil { counter.value += 1 }
        }
        for index in 0..<count {
            guard let from = living.randomElement(using: &network.random),
                let target = living.filter({ $0 != from }).randomElement(using: &network.random)
            else { continue }
            let place = network.nodes[target].record.peer.nodeID
            network.schedule(after: .milliseconds(Int64(index))) {
                network.with(from, Discovery.self) { _ = $0.lookup(place, LookupOptions(), &$1) }
            }
        }
        network.run(for: .seconds(10))
        return counter.value
    }

    private func broadcasts(_ count: Int, _ network: SimulatedNetwork, _ living: [Int]) throws -> Double {
        let counter = Counter()
        network.onNotice = { _, notice in if notice is BroadcastReceived { counter.value += 1 } }
        for _ in 0..<count {
            guard let origin = living.randomElement(using: &network.random) else { continue }
            try network.with(origin, BroadcastTree.self) {
                _ = try $0.broadcast(ByteBuffer(string: "hello"), opcode: Opcode(1000), BroadcastOptions(), &$1)
            }
            network.run(for: .seconds(1))
        }
        network.run(for: .seconds(10))
        return Double(counter.value) / Double(count * max(1, living.count - 1))
    }

    private final class Counter {
        var value = 0
    }
}
