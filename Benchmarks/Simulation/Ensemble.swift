internal import BenchmarkReport
internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting

/// Identities and filled tables, made once and used for every point of an experiment.
struct Ensemble {
    let overlay: Overlay
    let verifier: SharedVerifier
    private(set) var tables: [RoutingTable] = []

    init(_ count: Int, seed: UInt64, _ report: Report) throws {
        verifier = SharedVerifier(Puzzle.Difficulty(staticBits: 0, dynamicBits: 0))
        report.progress("making \(count) identities")
        overlay = try Overlay(count, verifier, seed: seed)
        report.progress("filling \(count) tables")
        var random = SeededRandom(seed &+ 1)
        tables.reserveCapacity(count)
        for (index, member) in overlay.members.enumerated() {
            var table = RoutingTable(own: member.verified.nodeID)
            overlay.fill(&table, now: Instant(nanoseconds: 0), using: &random)
            tables.append(table)
            if index % 20_000 == 19_999 { report.progress("filled \(index + 1) tables") }
        }
    }

    /// A fresh network whose node i is member i, with these components.
    func network(
        seed: UInt64, _ components: (Overlay.Member) -> [any Component]
    ) throws -> SimulatedNetwork {
        let network = SimulatedNetwork(seed: seed)
        for (index, member) in overlay.members.enumerated() {
            let node = try network.add(member.identity, member.verified.record, components(member))
            network.setContacts(tables[index], of: node)
        }
        return network
    }

    var averageContacts: Double {
        Double(tables.reduce(0) { $0 + $1.count }) / Double(max(1, tables.count))
    }
}
