internal import BenchmarkReport
internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting
internal import CarrierWire

/// What a hundred thousand nodes cost on this machine, and whether they still find and tell each other.
struct ScaleExperiment {
    let nodes: Int
    let seed: UInt64

    func run(_ report: Report) throws {
        let clock = ContinuousClock()
        let before = Report.residentBytes()
        let began = clock.now
        let ensemble = try Ensemble(nodes, seed: seed, report)
        let tables = Report.residentBytes() - before
        let built = clock.now - began
        report.row(["scale", "N", "contacts", "B a node", "build s", "lookups", "success", "hops", "queries", "s"])
        let looking = clock.now
        let experiment = LookupExperiment(nodes: nodes, lookups: 10_000, seed: seed)
        let point = try experiment.measure(ensemble, share: 0, paths: 8)
        let looked = clock.now - looking
        report.row(
            [
                "", "\(nodes)", Report.number(ensemble.averageContacts, 0), "\(tables / max(1, nodes))",
                Report.number(built / .seconds(1), 1), "10000", Report.number(point.success, 4),
                Report.number(point.hops, 2), Report.number(point.queries, 1), Report.number(looked / .seconds(1), 1),
            ])
        report.record(
            "scale",
            [
                ("nodes", "\(nodes)"), ("contacts_mean", Report.number(ensemble.averageContacts, 1)),
                ("bytes_per_node", "\(tables / max(1, nodes))"), ("build_s", Report.number(built / .seconds(1), 1)),
                ("lookups", "10000"), ("paths", "8"), ("success", Report.number(point.success, 5)),
                ("hops_mean", Report.number(point.hops, 3)), ("queries_mean", Report.number(point.queries, 2)),
                ("lookup_s", Report.number(looked / .seconds(1), 1)),
            ])
        let broadcast = BroadcastExperiment(nodes: nodes, runs: 1, seed: seed)
        for dead in [0, 30] {
            let telling = clock.now
            let run = try broadcast.measure(ensemble, deadShare: dead, seed: seed)
            let told = clock.now - telling
            report.row(
                [
                    "broadcast", "\(nodes)", "\(dead) %", Report.number(run.coverage, 5),
                    Report.number(run.redundancy, 3), "\(run.lastHop)", Report.number(told / .seconds(1), 1),
                ])
            report.record(
                "scale-broadcast",
                [
                    ("nodes", "\(nodes)"), ("dead_pct", "\(dead)"), ("coverage", Report.number(run.coverage, 6)),
                    ("redundancy", Report.number(run.redundancy, 4)), ("last_hop", "\(run.lastHop)"),
                    ("wall_s", Report.number(told / .seconds(1), 1)),
                    ("peak_bytes_per_node", "\((Report.residentBytes() - before) / max(1, nodes))"),
                ])
        }
    }
}
