import CarrierProtocols
import Glibc

/// An answer.
struct PingReply: Record {
    static var type: StaticString { "reply" }
    let target: String
    let sequence: Int
    let bytes: Int
    let time: Duration

    func encode(into line: inout JSONLine) {
        line.add("target", target)
        line.add("seq", sequence)
        line.add("bytes", bytes)
        line.add("rtt_ms", milliseconds: time)
    }

    func text(_ style: Style) -> String? { "\(bytes) bytes from \(target): seq=\(sequence) time=\(milliseconds(time))" }
}

/// No answer in time.
struct PingLost: Record {
    static var type: StaticString { "lost" }
    let target: String
    let sequence: Int
    let waited: Duration

    func encode(into line: inout JSONLine) {
        line.add("target", target)
        line.add("seq", sequence)
        line.add("waited_ms", milliseconds: waited)
    }

    func text(_ style: Style) -> String? { "no answer from \(target): seq=\(sequence) waited \(milliseconds(waited))" }
}

/// All answers of a target together.
struct PingStatistics: Record {
    static var type: StaticString { "summary" }
    let target: String
    var sent = 0
    private var times: [Double] = []
    /// Every ping in its order; nil for one that was lost.
    private var course: [Double?] = []
    private let showsChart: Bool

    /// - Parameter showsChart: whether the text ends with the course of the times as bars.
    init(target: String, showsChart: Bool = false) {
        self.target = target
        self.showsChart = showsChart
    }

    var received: Int { times.count }
    var lossPercent: Double { sent == 0 ? 0 : Double(sent - received) / Double(sent) * 100 }
    var average: Duration { .nanoseconds(Int64(mean * 1e6)) }

    mutating func add(_ time: Duration) {
        times.append(time.milliseconds)
        course.append(time.milliseconds)
    }

    mutating func addLost() { course.append(nil) }

    private var mean: Double { times.isEmpty ? 0 : times.reduce(0, +) / Double(times.count) }

    /// As iputils has it: the standard deviation.
    private var deviation: Double {
        let mean = mean
        return times.isEmpty ? 0 : sqrt(times.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(times.count))
    }

    /// The smallest time that so large a share of the answers did not exceed.
    private func percentile(_ share: Double) -> Double {
        let sorted = times.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, max(0, Int((Double(sorted.count) * share).rounded(.up)) - 1))]
    }

    func encode(into line: inout JSONLine) {
        line.add("target", target)
        line.add("sent", sent)
        line.add("received", received)
        line.add("loss_pct", lossPercent)
        guard !times.isEmpty else { return line.addNull("rtt_ms") }
        line.object("rtt_ms") { line in
            line.add("min", times.min() ?? 0)
            line.add("avg", mean)
            line.add("max", times.max() ?? 0)
            line.add("mdev", deviation)
            line.add("p50", percentile(0.5))
            line.add("p95", percentile(0.95))
            line.add("p99", percentile(0.99))
        }
    }

    func text(_ style: Style) -> String? {
        var text = "--- \(target)\n\(sent) sent, \(received) received, \(decimal(lossPercent, places: 1))% loss"
        if !times.isEmpty {
            let values = [times.min() ?? 0, mean, times.max() ?? 0, deviation].map { decimal($0, places: 3) }
            text += "\nrtt min/avg/max/mdev = \(values.joined(separator: "/"))ms"
            text += " p50 \(decimal(percentile(0.5), places: 3)) p95 \(decimal(percentile(0.95), places: 3))"
            text += " p99 \(decimal(percentile(0.99), places: 3))"
        }
        if showsChart, !course.isEmpty {
            text += "\n\(Sparkline.of(course)) up to \(decimal(times.max() ?? 0, places: 3))ms"
        }
        return text
    }
}
