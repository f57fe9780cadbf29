internal import CarrierProtocols
internal import Glibc
internal import NIOCore

/// The time of day.
enum WallClock {
    /// Unix time in microseconds.
    static func unixMicroseconds() -> UInt64 {
        // Read as two words: the compiler finds timespec's fields only in a module that is not to be imported.
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 2) { words in
            words.initialize(repeating: 0)
            words.withMemoryRebound(to: timespec.self) {
                if let time = $0.baseAddress { clock_gettime(CLOCK_REALTIME, time) }
            }
            return UInt64(clamping: words[0]) &* 1_000_000 &+ UInt64(clamping: words[1] / 1000)
        }
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
