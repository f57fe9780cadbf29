internal import BenchmarkReport
internal import Carrier

/// One soak: everything that goes on side by side, and what was measured meanwhile.
struct SoakRun {
    private let terms: Soak.Terms
    private let report: Report?
    private let population: Population
    private let ledger = Ledger()
    private let coverage = Coverage()
    private let company: Company
    private var samples: [Verdict.Sample] = []
    private var began = ContinuousClock.now

    /// - Parameter report: hears of it meanwhile; nil for nobody.
    init(_ terms: Soak.Terms, _ report: Report?) {
        self.terms = terms
        self.report = report
        population = Population(ledger, coverage, seed: terms.seed)
        company = Company(population: population)
    }

    private var seconds: Double { (ContinuousClock.now - began) / .seconds(1) }
    private var total: Double { terms.seconds }

    // MARK: Living

    /// Runs it all, until the time is over and the last node is gone.
    mutating func live() async throws {
        report?.row(["s", "nodes", "MiB", "heap MiB", "descriptors", "p50 ms", "p99 ms", "kept", "failed", "attacks"])
        let population = population
        try await withThrowingTaskGroup(of: Void.self) { group in
            // One that is there first, then the others, as fast as the machine lets them join.
            for count in 0..<terms.nodes {
                group.addTask { try await population.live() }
                while population.count < count - 3 { try await Task.sleep(for: .milliseconds(20)) }
                if population.count == 0 { try await Task.sleep(for: .milliseconds(500)) }
                if count % 50 == 49 { report?.progress("\(count + 1) nodes are joining") }
            }
            began = .now
            let (company, attackers) = (company, terms.attackers)
            let busy = Task { await company.keepBusy(attackers: attackers) }
            let pause = Duration.seconds(max(1, total / 360))
            let lifeSpan = terms.life / Double(terms.nodes)
            var nextDeath = seconds + lifeSpan
            var nextSample = ContinuousClock.now + pause
            while seconds < total {
                try await Task.sleep(for: .milliseconds(100))
                while seconds >= nextDeath {
                    nextDeath += lifeSpan
                    // The first one is watched from the beginning to the end.
                    guard let member = population.any(where: { $0.number != 0 }) else { continue }
                    population.end(member)
                    group.addTask { try await population.live() }
                }
                if ContinuousClock.now >= nextSample {
                    nextSample += pause
                    sample()
                }
            }
            busy.cancel()
            // A call of a node that ended in the middle of it may never return; the others need no minute.
            let isOver = Company.Count()
            Task {
                await busy.value
                isOver.add()
            }
            for _ in 0..<600 where isOver.value == 0 { try await Task.sleep(for: .milliseconds(100)) }
            population.endAll()
            try await group.waitForAll()
        }
    }

    private mutating func sample() {
        let machine = Machine()
        let trips = company.times.take() ?? (.nan, .nan)
        let counts = ledger.counts
        samples.append(
            Verdict.Sample(
                seconds: seconds, machine: machine, nodes: population.count, p50: trips.p50, p99: trips.p99))
        report?.record(
            "sample",
            [
                ("s", Report.number(seconds, 1)), ("nodes", "\(population.count)"), ("lived", "\(population.lived)"),
                ("resident", "\(machine.resident)"), ("heap", "\(machine.heap)"),
                ("descriptors", "\(machine.descriptors)"), ("p50_ms", Report.number(trips.p50, 3)),
                ("p99_ms", Report.number(trips.p99, 3)), ("kept", "\(counts.kept)"), ("failed", "\(counts.failed)"),
                ("attacks", "\(company.attacks.value)"),
            ])
        // Sixty lines of the table, whatever the time.
        guard samples.count % max(1, Int(total / max(1, total / 360)) / 60) == 0 else { return }
        report?.row(
            [
                Report.number(seconds, 0), "\(population.count)", Self.mebibytes(machine.resident),
                Self.mebibytes(machine.heap), "\(machine.descriptors)", Report.number(trips.p50, 2),
                Report.number(trips.p99, 2), "\(counts.kept)", "\(counts.failed)", "\(company.attacks.value)",
            ])
    }

    private static func mebibytes(_ bytes: Int) -> String { Report.number(Double(bytes) / 1_048_576, 1) }

    // MARK: Judging

    /// What is left of it all, and whether that is as it should be.
    ///
    /// - Parameter start: before the first node.
    func judge(from start: Machine, _ report: Report) async throws -> Verdict {
        var verdict = Verdict()
        let counts = ledger.counts
        verdict.require(counts.lost == 0, "\(counts.lost) messages were acknowledged and never arrived")
        verdict.require(counts.doubled == 0, "\(counts.doubled) messages arrived twice")
        verdict.require(counts.damaged == 0, "\(counts.damaged) messages arrived with other bytes")
        verdict.require(counts.kept > 0, "no message was acknowledged: nothing was shown")
        let told = coverage.figures
        verdict.require(told.doubled == 0, "\(told.doubled) broadcasts were delivered twice")
        verdict.require(
            told.share >= Verdict.coverage,
            "broadcasts reached \(Report.number(told.share, 4)) of the nodes that lived throughout, expected \(Verdict.coverage)"
        )
        let warmUp = Verdict.warmUp(life: terms.life)
        let memory = verdict.requireFlat("resident MiB", samples, of: total, after: warmUp) {
            Double($0.machine.resident) / 1_048_576
        }
        let heap = verdict.requireFlat("heap MiB", samples, of: total, after: warmUp) {
            Double($0.machine.heap) / 1_048_576
        }
        let open = verdict.requireFlat("descriptors", samples, of: total, after: warmUp) {
            Double($0.machine.descriptors)
        }
        let end = await afterwards(start)
        verdict.require(
            end.descriptors <= start.descriptors,
            "\(end.descriptors - start.descriptors) descriptors are left open after the last node is gone")
        let most = samples.map(\.machine.descriptors).max() ?? 0
        let kept = Verdict.leftOfTheSoak + Double(most) * Verdict.leftOfADescriptor
        let left = (Double(end.heap - start.heap) - kept) / Double(max(1, population.lived))
        verdict.require(
            left <= Verdict.leftOfANode, "\(Report.number(left, 0)) bytes of memory are left of each node that lived")
        tell(
            verdict, counts, told, [("resident MiB", memory), ("heap MiB", heap), ("descriptors", open)], end, left,
            report)
        try draw(report)
        return verdict
    }

    /// The machine once the last sockets are closed and what remembers them for a while has forgotten.
    func afterwards(_ start: Machine? = nil) async -> Machine {
        for _ in 0..<100 where Machine().descriptors > start?.descriptors ?? 0 {
            try? await Task.sleep(for: .milliseconds(100))
        }
        try? await Task.sleep(for: .seconds(5))
        return Machine()
    }

    private func tell(
        _ verdict: Verdict, _ counts: Ledger.Counts, _ told: (sent: Int, share: Double, doubled: Int),
        _ levels: [(String, (before: Double, after: Double)?)], _ end: Machine, _ left: Double, _ report: Report
    ) {
        let found = company.lookups.figures
        report.row(["nodes lived", "\(population.lived)", "attacks", "\(company.attacks.value)"])
        report.row(
            [
                "acknowledged", "\(counts.kept)", "MiB", Self.mebibytes(counts.bytes), "lost", "\(counts.lost)",
                "doubled", "\(counts.doubled)", "damaged", "\(counts.damaged)", "given up", "\(counts.failed)",
            ])
        report.row(["broadcasts", "\(told.sent)", "reached", Report.number(told.share, 5)])
        report.row(["lookups", "\(found.all)", "found", "\(found.found)"])
        for (name, level) in levels {
            guard let level else {
                report.row([
                    name,
                    "not judged: needs \(Int((Verdict.warmUp(life: terms.life) / 0.7 / 60).rounded(.up))) minutes",
                ])
                continue
            }
            report.row([name, "warm", Report.number(level.before, 1), "end", Report.number(level.after, 1)])
        }
        report.row(
            [
                "afterwards", "descriptors", "\(end.descriptors)", "heap MiB", Self.mebibytes(end.heap), "bytes a node",
                Report.number(left, 0),
            ])
        report.record(
            "summary",
            [
                ("minutes", Report.number((total / 60), 1)), ("nodes", "\(terms.nodes)"),
                ("lived", "\(population.lived)"), ("attacks", "\(company.attacks.value)"),
                ("acknowledged", "\(counts.kept)"),
                ("acknowledged_bytes", "\(counts.bytes)"), ("lost", "\(counts.lost)"),
                ("doubled", "\(counts.doubled)"), ("damaged", "\(counts.damaged)"), ("given_up", "\(counts.failed)"),
                ("broadcasts", "\(told.sent)"), ("broadcast_coverage", Report.number(told.share, 5)),
                ("lookups", "\(found.all)"), ("lookups_found", "\(found.found)"),
                ("descriptors_left", "\(end.descriptors)"), ("heap_left", "\(end.heap)"),
                ("heap_left_per_node", Report.number(left, 0)), ("failures", "\(verdict.failures.count)"),
            ])
    }

    private func draw(_ report: Report) throws {
        func curve(_ name: String, _ value: (Verdict.Sample) -> Double) -> LineChart.Series {
            LineChart.Series(
                name: name, points: samples.map { ($0.seconds / 60, value($0)) }.filter { $0.1.isFinite })
        }
        func chart(_ title: String, _ unit: String, _ series: [LineChart.Series], digits: Int = 0) -> LineChart {
            let top = series.flatMap(\.points).map(\.y).max() ?? 1
            return LineChart(
                title: title, xLabel: "minutes", yLabel: unit, xRange: 0...max(1, (total / 60)),
                yRange: 0...max(1, (top * 1.1).rounded(.up)), yDigits: digits, series: series)
        }
        try report.picture(
            "soak.svg",
            [
                chart(
                    "Memory of \(terms.nodes) nodes in one process, with churn and attacks", "MiB",
                    [
                        curve("resident") { Double($0.machine.resident) / 1_048_576 },
                        curve("heap") { Double($0.machine.heap) / 1_048_576 },
                    ]),
                chart("Open descriptors", "descriptors", [curve("descriptors") { Double($0.machine.descriptors) }]),
                chart(
                    "Round trip of an honest peer to the node under attack", "ms",
                    [curve("median") { $0.p50 }, curve("99 %") { $0.p99 }], digits: 1),
            ])
    }
}
