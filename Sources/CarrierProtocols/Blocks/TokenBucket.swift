/// Allows so many events a second, and a burst of them after a pause.
public struct TokenBucket: Sendable {
    private var tokens: Double
    private var updated: Instant

    /// A full bucket.
    public init(_ rate: Rate, now: Instant) {
        tokens = rate.burst
        updated = now
    }

    /// How often something may happen.
    public struct Rate: Hashable, Sendable {
        /// Events a second in the long run.
        public var perSecond: Double
        /// Events at once after a pause.
        public var burst: Double

        /// So many a second in the long run, and so many at once.
        public init(perSecond: Double, burst: Double) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    private func level(_ rate: Rate, now: Instant) -> Double {
        let elapsed = max(0, (now - updated).milliseconds / 1000)
        return min(rate.burst, tokens + elapsed * rate.perSecond)
    }

    /// Takes `cost` tokens if they are there.
    public mutating func take(_ rate: Rate, cost: Double = 1, now: Instant) -> Bool {
        tokens = level(rate, now: now)
        updated = max(updated, now)
        guard tokens >= cost else { return false }
        tokens -= cost
        return true
    }

    /// Whether the bucket is full again, so that it says no more than a new one.
    public func isFull(_ rate: Rate, now: Instant) -> Bool { level(rate, now: now) >= rate.burst }
}

/// A token bucket for each key; those that are full again are forgotten, so memory follows recent events only.
public struct TokenBuckets<Key: Hashable & Sendable>: Sendable {
    /// How much each of them allows.
    public let rate: TokenBucket.Rate
    private var buckets: [Key: TokenBucket] = [:]
    private var sweepAt = 64

    /// No buckets yet; each begins full, when its key is first met.
    public init(_ rate: TokenBucket.Rate) { self.rate = rate }

    /// How many keys are remembered.
    public var count: Int { buckets.count }

    /// Whether one more event of this key is allowed now.
    public mutating func take(_ key: Key, cost: Double = 1, now: Instant) -> Bool {
        if buckets.count >= sweepAt {
            let rate = rate
            buckets = buckets.filter { !$0.value.isFull(rate, now: now) }
            sweepAt = max(64, buckets.count * 2)
        }
        return buckets[key, default: TokenBucket(rate, now: now)].take(rate, cost: cost, now: now)
    }
}
