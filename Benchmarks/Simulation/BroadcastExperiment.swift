internal import BenchmarkReport
internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting
internal import CarrierWire
internal import NIOCore

/// How far broadcasts go and what they cost, with nobody dead and with 30 % of the nodes freshly dead and undetected.
struct BroadcastExperiment {
    let nodes: Int
    let runs: Int
    let seed: UInt64

    struct Run {
        /// Share of the living that got the message.
        var coverage = 0.0
        /// Payload sends / (living - 1) - 1.
        var redundancy = 0.0
        var lastHop = 0
        /// Until half of the living, and until the last one had it.
        var (half, last) = (0.0, 0.0)
        var reported = 0
        var repaired = 0
    }

    func run(_ report: Report) throws {
        let ensemble = try Ensemble(nodes, seed: seed, report)
        report.row(
            [
                "broadcast", "N", "dead", "runs", "coverage", "least", "redundancy", "most", "last hop", "repaired",
                "50% ms", "100% ms",
            ])
        for dead in [0, 30] { try tell(dead, ensemble, report) }
    }

    private func tell(_ dead: Int, _ ensemble: Ensemble, _ report: Report) throws {
        var all: [Run] = []
        for run in 0..<runs {
            all.append(try measure(ensemble, deadShare: dead, seed: seed &+ UInt64(run) &* 1000 &+ UInt64(dead)))
            report.progress("N \(nodes), \(dead) % dead, run \(run + 1): \(Report.number(all[run].coverage, 5))")
        }
        func mean(_ value: (Run) -> Double) -> Double { all.map(value).reduce(0, +) / Double(max(1, all.count)) }
        let least = all.map(\.coverage).min() ?? 0
        let most = all.map(\.redundancy).max() ?? 0
        let lastHop = all.map(\.lastHop).max() ?? 0
        report.row(
            [
                "", "\(nodes)", "\(dead) %", "\(runs)", Report.number(mean(\.coverage), 5), Report.number(least, 5),
                Report.number(mean(\.redundancy), 3), Report.number(most, 3), "\(lastHop)",
                Report.number(mean { Double($0.repaired) }, 1), Report.number(mean(\.half), 0),
                Report.number(mean(\.last), 0),
            ])
        report.record(
            "broadcast",
            [
                ("nodes", "\(nodes)"), ("dead_pct", "\(dead)"), ("runs", "\(runs)"),
                ("coverage_mean", Report.number(mean(\.coverage), 6)), ("coverage_least", Report.number(least, 6)),
                ("redundancy_mean", Report.number(mean(\.redundancy), 4)), ("redundancy_most", Report.number(most, 4)),
                ("last_hop", "\(lastHop)"), ("repaired_mean", Report.number(mean { Double($0.repaired) }, 2)),
                ("reported_mean", Report.number(mean { Double($0.reported) }, 1)),
                ("half_ms", Report.number(mean(\.half), 1)), ("last_ms", Report.number(mean(\.last), 1)),
            ])
    }

    func measure(_ ensemble: Ensemble, deadShare: Int, seed: UInt64) throws -> Run {
        let network = try ensemble.network(seed: seed) { [BroadcastTree($0.identity)] }
        var random = SeededRandom(seed)
        let order = Array(ensemble.overlay.members.indices).shuffled(using: &random)
        for node in order.prefix(nodes * deadShare / 100) { network.kill(node) }
        let origin = order[nodes - 1]
        let living = nodes - nodes * deadShare / 100

        let log = Log()
        network.onNotice = { [unowned network] _, notice in
            if let notice = notice as? BroadcastReceived {
                log.times.append((network.now - Instant(nanoseconds: 0)).milliseconds)
                log.lastHop = max(log.lastHop, notice.hops)
            } else if let notice = notice as? BroadcastReported {
                log.reported = notice.reached
            }
        }
        var options = BroadcastOptions()
        options.reportTimeout = .seconds(60)
        try network.with(origin, BroadcastTree.self) {
            _ = try $0.broadcast(ByteBuffer(string: "hello"), opcode: Opcode(1000), options, &$1)
        }
        network.run()
        let repairs = network.sent[.broadcastWant] ?? 0
        let sends = network.sent[.broadcast] ?? 0
        return Run(
            coverage: Double(log.times.count) / Double(living - 1),
            redundancy: Double(sends) / Double(living - 1) - 1, lastHop: log.lastHop,
            half: log.times.isEmpty ? 0 : log.times[log.times.count / 2], last: log.times.last ?? 0,
            reported: log.reported, repaired: repairs)
    }

    private final class Log {
        var times: [Double] = []
        var lastHop = 0
        var reported = 0
    }
}
