/// Notices that a NAT-PMP gateway has restarted (RFC 6886 §3.6): its seconds run slower than seven eighths of ours.
struct EpochWatch {
    private var last: (seconds: UInt32, at: ContinuousClock.Instant)?

    /// Takes what the gateway says now. Returns whether it has restarted since it was asked last.
    mutating func restarted(_ seconds: UInt32, at now: ContinuousClock.Instant) -> Bool {
        defer { last = (seconds, now) }
        guard let last else { return false }
        let expected = Int64(last.seconds) + last.at.duration(to: now).components.seconds * 7 / 8
        return Int64(seconds) < expected - 2
    }
}
