/// Counts what a peer makes us do for nothing, and says how long to leave it waiting over that.
///
/// A few of those happen to anybody: a reply comes after its request was given up. A flood of them would keep a core busy
/// without ever breaking a rule; it goes on at the rate of the terms.
public struct IdleWork: Sendable {
    private let rate: TokenBucket.Rate
    /// How much there was, less what the time since has made good.
    private var level = 0.0
    private var since: Instant

    /// Work at a rate, from a full bucket on.
    public init(_ rate: TokenBucket.Rate, now: Instant) {
        self.rate = rate
        since = now
    }

    /// Counts `count` more.
    ///
    /// - Returns: how long to hear nothing of the peer; nil as long as the burst is not used up.
    public mutating func add(_ count: Int, now: Instant) -> Duration? {
        let elapsed = max(0, (now - since).milliseconds / 1000)
        since = max(since, now)
        level = max(0, level - elapsed * rate.perSecond) + Double(count)
        guard level > rate.burst else { return nil }
        return .seconds((level - rate.burst) / rate.perSecond)
    }
}
