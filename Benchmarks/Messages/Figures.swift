/// The figures of one run.
struct Figures {
    let kind: String
    let size: Int
    let inFlight: Int
    let count: Int
    let seconds: Double
    /// Of both ends.
    let processorSeconds: Double
    /// Of both ends; nil where nobody counts.
    let allocations: UInt64?
    /// Round trips in nanoseconds, sorted; empty for messages that nobody answers.
    let times: [UInt64]

    var perSecond: Double { Double(count) / seconds }

    private func percentile(_ share: Double) -> Double? {
        guard !times.isEmpty else { return nil }
        return Double(times[min(times.count - 1, Int(Double(times.count) * share))]) / 1000
    }

    /// One line of JSON.
    var json: String {
        var fields = [
            "\"kind\":\"\(kind)\"", "\"size\":\(size)", "\"inFlight\":\(inFlight)", "\"count\":\(count)",
            "\"perSecond\":\(number(perSecond))", "\"megabytesPerSecond\":\(number(perSecond * Double(size) / 1e6))",
            "\"cpuMicroseconds\":\(number(processorSeconds * 1e6 / Double(count), 3))",
        ]
        if let p50 = percentile(0.5), let p99 = percentile(0.99) {
            fields += ["\"p50Microseconds\":\(number(p50, 1))", "\"p99Microseconds\":\(number(p99, 1))"]
        }
        if let allocations {
            fields.append("\"allocations\":\(number(Double(allocations) / Double(count), 2))")
        }
        return "{\(fields.joined(separator: ","))}"
    }

    static let header = "kind       size  in flight       /s     MB/s    p50 µs   p99 µs  CPU µs  allocations"

    /// One line of the table.
    var row: String {
        [
            pad(kind, -8), pad("\(size)", 7), pad("\(inFlight)", 10), pad(number(perSecond, 0), 9),
            pad(number(perSecond * Double(size) / 1e6, 0), 9), pad(percentile(0.5).map { number($0, 1) } ?? "-", 10),
            pad(percentile(0.99).map { number($0, 1) } ?? "-", 9),
            pad(number(processorSeconds * 1e6 / Double(count), 2), 8),
            pad(allocations.map { number(Double($0) / Double(count), 2) } ?? "-", 13),
        ].joined()
    }

    private func pad(_ text: String, _ width: Int) -> String {
        let spaces = String(repeating: " ", count: max(0, abs(width) - text.count))
        return width < 0 ? text + spaces : spaces + text
    }

    /// A number with so many decimals.
    private func number(_ value: Double, _ decimals: Int = 1) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, scaled < 1e17 else { return "0" }
        let whole = Int(scaled) / Int(scale)
        guard decimals > 0 else { return "\(whole)" }
        let rest = "\(Int(scaled) % Int(scale))"
        return "\(whole).\(String(repeating: "0", count: decimals - rest.count))\(rest)"
    }
}
