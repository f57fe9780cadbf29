internal import BenchmarkReport
internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting
internal import CarrierWire

/// What a node and a lookup cost as the network grows to a hundred thousand nodes on this machine, and whether they still
/// find and tell each other.
struct ScaleExperiment {
    let sizes: [Int]
    let lookups: Int
    let seed: UInt64
    private let clock = ContinuousClock()

    func run(_ report: Report) throws {
        for nodes in sizes {
            let before = Report.residentBytes()
            let (ensemble, built) = try timed { try Ensemble(nodes, seed: seed, report) }
            try look(ensemble, built, bytes: (Report.residentBytes() - before) / max(1, nodes), report)
            try tell(ensemble, report)
        }
    }

    private func look(_ ensemble: Ensemble, _ built: Double, bytes: Int, _ report: Report) throws {
        let nodes = ensemble.overlay.members.count
        report.row(["scale", "N", "contacts", "B a node", "build s", "d", "success", "hops", "queries", "ms", "wall s"])
        for paths in [1, 8] {
            let experiment = LookupExperiment(nodes: nodes, lookups: lookups, seed: seed)
            let (point, looked) = try timed { try experiment.measure(ensemble, share: 0, paths: paths) }
            report.row(
                [
                    "", "\(nodes)", Report.number(ensemble.averageContacts, 0), "\(bytes)", Report.number(built, 1),
                    "\(paths)", Report.number(point.success, 4), Report.number(point.hops, 2),
                    Report.number(point.queries, 1), Report.number(point.latency, 0), Report.number(looked, 1),
                ])
            report.record(
                "scale",
                [
                    ("nodes", "\(nodes)"), ("contacts_mean", Report.number(ensemble.averageContacts, 1)),
                    ("bytes_per_node", "\(bytes)"), ("build_s", Report.number(built, 1)), ("lookups", "\(lookups)"),
                    ("paths", "\(paths)"), ("success", Report.number(point.success, 5)),
                    ("hops_mean", Report.number(point.hops, 3)), ("queries_mean", Report.number(point.queries, 2)),
                    ("latency_ms_mean", Report.number(point.latency, 1)), ("wall_s", Report.number(looked, 1)),
                ])
        }
    }

    private func tell(_ ensemble: Ensemble, _ report: Report) throws {
        let nodes = ensemble.overlay.members.count
        let broadcast = BroadcastExperiment(nodes: nodes, runs: 1, seed: seed)
        report.row(["broadcast", "N", "dead", "coverage", "redundancy", "last hop", "100% ms", "wall s"])
        for dead in [0, 30] {
            let (run, told) = try timed { try broadcast.measure(ensemble, deadShare: dead, seed: seed) }
            report.row(
                [
                    "", "\(nodes)", "\(dead) %", Report.number(run.coverage, 5), Report.number(run.redundancy, 3),
                    "\(run.lastHop)", Report.number(run.last, 0), Report.number(told, 1),
                ])
            report.record(
                "scale-broadcast",
                [
                    ("nodes", "\(nodes)"), ("dead_pct", "\(dead)"), ("coverage", Report.number(run.coverage, 6)),
                    ("redundancy", Report.number(run.redundancy, 4)), ("last_hop", "\(run.lastHop)"),
                    ("last_ms", Report.number(run.last, 1)), ("wall_s", Report.number(told, 1)),
                ])
        }
    }

    /// What the work returns, and how many seconds it took.
    private func timed<Result>(_ work: () throws -> Result) rethrows -> (Result, seconds: Double) {
        let began = clock.now
        let result = try work()
        return (result, (clock.now - began) / .seconds(1))
    }
}
