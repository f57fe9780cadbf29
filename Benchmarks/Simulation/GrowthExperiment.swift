internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting

/// What a lookup costs as the network grows: queries, hops, time and memory; among honest nodes, on one path.
struct GrowthExperiment {
    let nodes: [Int]
    let seed: UInt64
    var lookups = 1000

    func run(_ report: Report) throws {
        report.row(["growth", "N", "queries", "hops", "ms", "ms a query", "B a node"])
        for count in nodes {
            let before = Report.residentBytes()
            let ensemble = try Ensemble(count, seed: seed, report)
            let tables = (Report.residentBytes() - before) / max(1, count)
            let point = try LookupExperiment(nodes: count, lookups: lookups, seed: seed)
                .measure(ensemble, share: 0, paths: 1)
            report.row(
                [
                    "", "\(count)", Report.number(point.queries, 2), Report.number(point.hops, 2),
                    Report.number(point.latency, 1), Report.number(point.latency / max(1, point.queries), 1),
                    "\(tables)",
                ])
            report.record(
                "growth",
                [
                    ("nodes", "\(count)"), ("lookups", "\(lookups)"), ("success", Report.number(point.success, 5)),
                    ("queries_mean", Report.number(point.queries, 3)), ("hops_mean", Report.number(point.hops, 3)),
                    ("latency_ms_mean", Report.number(point.latency, 2)), ("bytes_per_node", "\(tables)"),
                ])
        }
    }
}
