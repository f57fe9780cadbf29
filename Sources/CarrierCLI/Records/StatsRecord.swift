import Carrier

/// How a node stands: what it has counted, and each limit with what is in use of it.
struct StatsRecord: Record {
    static var type: StaticString { "stats" }
    let uptime: Duration
    let statistics: NodeStatistics
    let limits: [LimitUse]

    func encode(into line: inout JSONLine) {
        line.add("uptime_s", uptime.milliseconds / 1000)
        line.add("inbound", statistics.inbound)
        line.add("outbound", statistics.outbound)
        line.add("disconnected", statistics.disconnected)
        line.add("broken", statistics.broken)
        line.add("failed_handshakes", statistics.failedHandshakes)
        line.add("refused", statistics.refused)
        line.add("penalties", statistics.penalties)
        line.add("frames", statistics.frames)
        line.add("tx_bytes", statistics.bytesOut)
        line.add("rx_bytes", statistics.bytesIn)
        line.array("limits") { line in
            for limit in limits {
                line.elementObject { line in
                    line.add("name", limit.name.rawValue)
                    line.add("limit", limit.limit)
                    if let burst = limit.burst { line.add("burst", burst) }
                    if let used = limit.used { line.add("used", used) }
                    line.add("reached", limit.reached)
                }
            }
        }
    }

    func text(_ style: Style) -> String? { nil }

    /// In one line: limits that mean nothing now are left out.
    var line: String {
        var words = [
            "up \(uptime.components.seconds) s", "\(statistics.frames) frames", "\(statistics.bytesIn) bytes in",
            "\(statistics.bytesOut) out",
        ]
        for limit in limits {
            let reached = limit.reached > 0 ? ", reached \(limit.reached) times" : ""
            switch (limit.name, limit.used) {
            case (.inbound, let used?), (.outbound, let used?), (.halfOpen, let used?):
                words.append("\(limit.name.rawValue) \(used) of \(Int(limit.limit))\(reached)")
            case _ where limit.reached > 0: words.append("\(limit.name.rawValue)\(reached.dropFirst())")
            default: break
            }
        }
        return words.joined(separator: "; ")
    }
}
