public import CarrierWire

/// Which inbound links a node takes on: how many in all, from one place, and how fast.
public struct Admission: Sendable {
    /// The limits; their defaults are the node's.
    public struct Terms: Sendable {
        public var inbound = 128
        public var perSite = 8
        public var newPerSecond = 0.2
        public var newBurst = 16

        public init(inbound: Int = 128, perSite: Int = 8, newPerSecond: Double = 0.2, newBurst: Int = 16) {
            self.inbound = inbound
            self.perSite = perSite
            self.newPerSecond = newPerSecond
            self.newBurst = newBurst
        }
    }

    /// How many sources are remembered; beyond that those that have been quiet longest go.
    private static let memory = 65_536

    private let terms: Terms
    private var buckets: [IPAddress: TokenBucket] = [:]
    private var perSite: [IPAddress: Int] = [:]
    /// Links turned away so far.
    public private(set) var refused: UInt64 = 0

    public init(_ terms: Terms) { self.terms = terms }

    /// Whether a new link from `source` may begin its handshake; loopback always may.
    public mutating func admit(_ source: IPAddress?, now: Instant) -> Bool {
        guard let source, source.scope != .loopback else { return true }
        if buckets.count >= Self.memory { forgetQuiet(now) }
        var bucket = buckets[source] ?? TokenBucket(rate: terms.newPerSecond, burst: terms.newBurst, now: now)
        let isAdmitted = bucket.take(now: now) && perSite[source.site, default: 0] < terms.perSite
        buckets[source] = bucket
        if isAdmitted { perSite[source.site, default: 0] += 1 } else { refused &+= 1 }
        return isAdmitted
    }

    /// An admitted link is gone.
    public mutating func release(_ source: IPAddress?) {
        guard let site = source?.site, source?.scope != .loopback, let count = perSite[site] else { return }
        perSite[site] = count > 1 ? count - 1 : nil
    }

    private mutating func forgetQuiet(_ now: Instant) {
        buckets = buckets.filter { !$0.value.isFull(now: now) }
        // All of them busy: an attack from very many places; the count of half-open links bounds it.
        if buckets.count >= Self.memory { buckets.removeAll(keepingCapacity: true) }
    }
}

/// Lets things happen at a rate, with some at once after a pause.
public struct TokenBucket: Hashable, Sendable {
    private let rate: Double
    private let burst: Double
    private var tokens: Double
    private var since: Instant

    /// - Parameters:
    ///   - rate: tokens that come back a second.
    ///   - burst: tokens that there are at most, and at first.
    public init(rate: Double, burst: Int, now: Instant) {
        self.rate = rate
        self.burst = Double(burst)
        tokens = Double(burst)
        since = now
    }

    private func available(_ now: Instant) -> Double {
        min(burst, tokens + Double((now - since).nanoseconds) / 1e9 * rate)
    }

    /// Whether nothing has been taken for so long that nothing is missing.
    public func isFull(now: Instant) -> Bool { available(now) >= burst }

    /// Takes one token; false when there is none.
    public mutating func take(now: Instant) -> Bool {
        tokens = available(now)
        since = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
