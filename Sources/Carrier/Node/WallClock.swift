internal import CarrierProtocols
internal import Glibc
internal import NIOCore

/// The time of day.
enum WallClock {
    /// Unix time in microseconds.
    static func unixMicroseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) &* 1_000_000 &+ UInt64(clamping: time.tv_nsec / 1000)
    }
}

extension Instant {
    init(_ deadline: NIODeadline) { self.init(nanoseconds: Int64(clamping: deadline.uptimeNanoseconds)) }
}

extension NIODeadline {
    init(_ instant: Instant) { self = .uptimeNanoseconds(UInt64(clamping: instant.nanoseconds)) }
}

extension Duration {
    init(_ amount: TimeAmount) { self = .nanoseconds(amount.nanoseconds) }
}
