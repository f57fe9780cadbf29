public import CarrierWire

/// Which inbound links a node takes on: how many from one place, and how fast.
public struct Admission: Sendable {
    private let perSite: Int
    private var rates: TokenBuckets<IPAddress>
    private var counts: [IPAddress: Int] = [:]
    /// Links turned away so far: there were too many of one place, or they came too fast.
    public private(set) var refused: (many: UInt64, fast: UInt64) = (0, 0)

    /// - Parameters:
    ///   - perSite: links of one IPv4 address or IPv6 /56 at a time.
    ///   - rate: how fast new ones may come from there.
    public init(perSite: Int, rate: TokenBucket.Rate) {
        self.perSite = perSite
        rates = TokenBuckets(rate)
    }

    /// Whether a new link from `source` may begin its handshake; loopback always may.
    public mutating func admit(_ source: IPAddress?, now: Instant) -> Bool {
        guard let source, source.scope != .loopback else { return true }
        let count = counts[source.site, default: 0]
        guard rates.take(source.site, now: now) else {
            refused.fast &+= 1
            return false
        }
        guard count < perSite else {
            refused.many &+= 1
            return false
        }
        counts[source.site] = count + 1
        return true
    }

    /// An admitted link is gone.
    public mutating func release(_ source: IPAddress?) {
        guard let source, let count = counts[source.site] else { return }
        counts[source.site] = count > 1 ? count - 1 : nil
    }
}
