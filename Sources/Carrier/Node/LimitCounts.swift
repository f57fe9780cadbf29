internal import CarrierProtocols
internal import CoreMetrics
internal import Metrics

/// Counts how often each limit was reached.
struct LimitCounts {
    private var counts: [LimitUse.Name: UInt64] = [:]
    private let meters = Dictionary(
        uniqueKeysWithValues: LimitUse.Name.allCases.map {
            ($0, Counter(label: "carrier_limit_reached_total", dimensions: [("limit", $0.rawValue)]))
        })

    subscript(name: LimitUse.Name) -> UInt64 { counts[name, default: 0] }

    mutating func note(_ name: LimitUse.Name) {
        counts[name, default: 0] &+= 1
        meters[name]?.increment()
    }
}
