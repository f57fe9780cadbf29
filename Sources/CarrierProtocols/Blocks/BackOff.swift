/// Pauses between tries that double, each a little longer or shorter by chance, so that many nodes do not try at once.
public struct BackOff: Sendable, Hashable {
    /// The pause after the first failure. Default 1 s.
    public var firstPause: Duration = .seconds(1)
    /// The longest pause. Default 16 s.
    public var lastPause: Duration = .seconds(16)
    /// How much a pause is lengthened or shortened by chance. Default 5 %.
    public var jitter = 0.05

    /// The defaults.
    public init() {}

    /// The pause after so many failures in a row.
    public func pause(after failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let doublings = UInt64(min(max(0, failures - 1), 31))
        let pause = min(
            Double(lastPause.nanoseconds), Double(firstPause.nanoseconds) * Double(UInt64(1) << doublings))
        let chance = Double(random.next() >> 11) / Double(UInt64(1) << 53)
        return .nanoseconds(Int64(pause * (1 + jitter * (2 * chance - 1))))
    }
}
