internal import BenchmarkReport

/// What a soak has shown, and why it failed if it did.
struct Verdict {
    /// Seconds since the beginning, and what was measured then.
    struct Sample {
        let seconds: Double
        let machine: Machine
        let nodes: Int
        let p50: Double
        let p99: Double
    }

    /// By how much the level at the end may be over the level after warming up: connections come and go by chance, and the
    /// mean of 200 nodes with some 40 each moves by a few per cent. A leak of one session (10 KiB) for each node that has
    /// lived would be twice as much within half an hour.
    static let tolerance = 0.10
    /// Seconds before which nothing is level: nodes remember broadcasts for two minutes and find each other for a while, and
    /// before two lives are over they are younger on average than they will be.
    ///
    /// - Parameter life: of a node, seconds on average.
    static func warmUp(life: Double) -> Double { max(300, 2 * life) }
    /// Broadcasts are best effort; so many of the nodes that live throughout must get one.
    static let coverage = 0.98

    /// Bytes of memory that may be left of each node once all are gone: what threads and allocators keep for the next
    /// time. One connection that was kept would be ten times that.
    static let leftOfANode = 1024.0
    /// Bytes that the soak itself keeps besides: samples and lines of the report.
    static let leftOfTheSoak = 524_288.0
    /// Bytes for each descriptor of the moment with most: event loops keep the room that their timers and sockets once took,
    /// and pools what lay in it.
    static let leftOfADescriptor = 256.0

    private(set) var failures: [String] = []

    mutating func require(_ holds: Bool, _ failure: @autoclosure () -> String) {
        if !holds { failures.append(failure()) }
    }

    /// The middle one of what was measured between two moments.
    static func level(_ samples: [Sample], _ seconds: ClosedRange<Double>, _ value: (Sample) -> Double) -> Double? {
        let sorted = samples.filter { seconds.contains($0.seconds) }.map(value).sorted()
        return sorted.isEmpty ? nil : sorted[sorted.count / 2]
    }

    /// Compares the level of a tenth of the time after the warm-up with that of the last tenth.
    ///
    /// - Returns: both; nil when the soak was too short for two levels.
    mutating func requireFlat(
        _ name: String, _ samples: [Sample], of total: Double, after warmUp: Double, _ value: (Sample) -> Double
    ) -> (before: Double, after: Double)? {
        let part = total / 10
        guard total >= warmUp + 3 * part,
            let before = Self.level(samples, warmUp...(warmUp + part), value),
            let after = Self.level(samples, (total - part)...total, value)
        else { return nil }
        require(
            after <= before * (1 + Self.tolerance),
            "\(name): expected the level of \(Report.number(before, 0)) after warming up, at most \(Int(Self.tolerance * 100)) % more, got \(Report.number(after, 0)) at the end"
        )
        return (before, after)
    }
}
