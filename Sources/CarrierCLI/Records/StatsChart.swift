import Carrier

/// The course of a node's traffic in one line, for who looks at a terminal.
struct StatsChart {
    /// More than any line shows.
    private static let kept = 120

    private var received: [Double] = []
    private var sent: [Double] = []
    private var last: NodeStatistics?

    /// Takes the next look at the node, an interval after the last one.
    mutating func add(_ statistics: NodeStatistics, interval: Duration) {
        let seconds = max(interval.milliseconds / 1000, 0.001)
        if let last {
            received.append(Double(statistics.bytesIn &- last.bytesIn) / seconds)
            sent.append(Double(statistics.bytesOut &- last.bytesOut) / seconds)
        }
        last = statistics
        received.removeFirst(max(0, received.count - Self.kept))
        sent.removeFirst(max(0, sent.count - Self.kept))
    }

    /// The line: a bar an interval, the newest at the right.
    ///
    /// - Parameters:
    ///   - peers: sessions that are open.
    ///   - columns: how wide it may be.
    func line(uptime: Duration, peers: Int, columns: Int) -> String {
        let head = "up \(uptime.components.seconds) s; in "
        let (rateIn, rateOut) = (" \(Self.rate(received.last ?? 0)); out ", " \(Self.rate(sent.last ?? 0)); ")
        let tail = peers == 1 ? "1 peer" : "\(peers) peers"
        let bars = min(40, max(4, (columns - head.count - rateIn.count - rateOut.count - tail.count) / 2))
        func row(_ values: [Double]) -> String { Sparkline.of(values.suffix(bars).map(Optional.some), columns: bars) }
        return head + row(received) + rateIn + row(sent) + rateOut + tail
    }

    private static func rate(_ bytes: Double) -> String {
        var (value, unit) = (bytes, "B/s")
        for next in ["kB/s", "MB/s", "GB/s"] where value >= 1000 { (value, unit) = (value / 1000, next) }
        let tenths = Int((value * 10).rounded())
        return value < 10 && unit != "B/s" ? "\(tenths / 10).\(tenths % 10) \(unit)" : "\(Int(value.rounded())) \(unit)"
    }
}
