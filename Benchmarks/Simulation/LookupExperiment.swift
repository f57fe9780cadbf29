internal import ArgumentParser
internal import BenchmarkReport
internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting
internal import CarrierWire

/// Success of lookups over the share of adversaries, for 1, 4 and 8 disjoint paths (Baumgart & Mies 2007, figure 5).
///
/// Two kinds of adversaries. `colluders` answer each lookup only with the members among them that are nearest to the target.
/// `sybils` is the adversary of the paper: it also owns so many identities that all it answers with is nearer than any honest
/// node, so that one adversary on a path loses the path. Initiator and target are honest.
struct LookupExperiment {
    let nodes: Int
    let lookups: Int
    let seed: UInt64
    /// How many identities the adversaries of the paper have in store.
    var sybils = 200_000
    var kinds = Adversary.allCases
    var shares = Array(stride(from: 0, through: 90, by: 10))
    var paths = [1, 4, 8]

    enum Adversary: String, CaseIterable, ExpressibleByArgument {
        case sybils, colluders
    }

    struct Point {
        var success = 0.0
        var hops = 0.0
        var queries = 0.0
        var latency = 0.0
    }

    func run(_ report: Report) throws {
        let ensemble = try Ensemble(nodes, seed: seed, report)
        report.progress("making \(sybils) Sybils")
        let store = try Sybils(kinds.contains(.sybils) ? sybils : 0, seed: seed) { report.progress("\($0) Sybils") }
        report.row(["lookup", "N", "adversary", "d", "share", "success", "hops", "queries", "ms"])
        for kind in kinds {
            var curves: [LineChart.Series] = []
            for d in paths {
                var points: [(x: Double, y: Double)] = []
                for share in shares {
                    let point = try measure(ensemble, share: share, paths: d, kind == .sybils ? store : nil)
                    points.append((Double(share), point.success))
                    tell(point, kind, d, share, report)
                }
                curves.append(LineChart.Series(name: "d = \(d)", points: points))
            }
            try report.picture(
                "lookup-\(kind).svg",
                LineChart(
                    title: "Lookups that find their target: N = \(nodes), k = 16, alpha = 1, \(kind)",
                    xLabel: "adversaries, %", yLabel: "share of lookups", xRange: 0...90, yRange: 0...1,
                    series: curves))
        }
    }

    private func tell(_ point: Point, _ kind: Adversary, _ d: Int, _ share: Int, _ report: Report) {
        report.progress("\(kind), d \(d), \(share) % adversaries: \(Report.number(point.success, 4))")
        report.row(
            [
                "", "\(nodes)", kind.rawValue, "\(d)", "\(share) %", Report.number(point.success, 4),
                Report.number(point.hops, 2),
                Report.number(point.queries, 1), Report.number(point.latency, 0),
            ])
        report.record(
            "lookup",
            [
                ("nodes", "\(nodes)"), ("adversary", "\"\(kind)\""), ("lookups", "\(lookups)"), ("paths", "\(d)"),
                ("alpha", "1"),
                ("adversary_pct", "\(share)"), ("success", Report.number(point.success, 5)),
                ("hops_mean", Report.number(point.hops, 3)), ("queries_mean", Report.number(point.queries, 2)),
                ("latency_ms_mean", Report.number(point.latency, 1)),
            ])
    }

    /// - Parameter sybils: what the adversaries answer with; nil: with each other.
    func measure(_ ensemble: Ensemble, share: Int, paths d: Int, _ sybils: Sybils? = nil) throws -> Point {
        var configuration = DiscoveryConfiguration()
        configuration.verifier = ensemble.verifier
        configuration.upkeepInterval = .zero
        let network = try ensemble.network(seed: seed) { _ in [Discovery(configuration)] }
        var random = SeededRandom(seed &+ UInt64(share))
        let order = Array(ensemble.overlay.members.indices).shuffled(using: &random)
        let adversaries = order.prefix(nodes * share / 100)
        let honest = Array(order.dropFirst(adversaries.count))
        if let sybils {
            network.eclipse(Array(adversaries), sybils)
        } else {
            network.collude(Array(adversaries), ensemble.overlay)
        }

        let finished = Finished()
        network.onNotice = { _, notice in
            if let notice = notice as? LookupFinished { finished.add(notice.result) }
        }
        for index in 0..<lookups {
            let (from, target) = (
                honest[Int.random(in: honest.indices, using: &random)],
                honest[Int.random(in: honest.indices, using: &random)]
            )
            guard from != target else { continue }
            let place = ensemble.overlay.members[target].verified.nodeID
            network.schedule(after: .milliseconds(Int64(index))) {
                var options = LookupOptions()
                options.alpha = 1
                options.paths = d
                network.with(from, Discovery.self) { _ = $0.lookup(place, options, &$1) }
            }
        }
        network.run()
        return finished.point
    }

    /// Adds up results.
    private final class Finished {
        private var (count, found, hops, queries, latency) = (0, 0, 0, 0, 0.0)

        func add(_ result: LookupResult) {
            count += 1
            queries += result.queries
            latency += result.elapsed.milliseconds
            guard result.found != nil, let hop = result.hops else { return }
            found += 1
            hops += hop
        }

        var point: Point {
            Point(
                success: Double(found) / Double(max(1, count)), hops: Double(hops) / Double(max(1, found)),
                queries: Double(queries) / Double(max(1, count)), latency: latency / Double(max(1, count)))
        }
    }
}
