/// Notices that a NAT-PMP gateway has restarted (RFC 6886 §3.6): its seconds have fallen back behind ours.
///
/// A clock may lose an eighth, but of a short time two seconds at most: a router that restarts soon after its last start
/// is noticed too. A false alarm costs one renewal.
struct EpochWatch {
    private var last: (seconds: UInt32, at: ContinuousClock.Instant)?

    /// Takes what the gateway says now. Returns whether it has restarted since it was asked last.
    mutating func restarted(_ seconds: UInt32, at now: ContinuousClock.Instant) -> Bool {
        defer { last = (seconds, now) }
        guard let last else { return false }
        let elapsed = last.at.duration(to: now).components.seconds
        return Int64(seconds) < Int64(last.seconds) + elapsed - max(2, elapsed / 8)
    }
}
