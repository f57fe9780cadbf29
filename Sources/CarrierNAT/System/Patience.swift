/// How long a blocking piece of work may go on.
struct Patience: Sendable {
    let end: ContinuousClock.Instant
    /// Whether nobody waits for the work any more.
    let isAbandoned: @Sendable () -> Bool

    init(_ limit: Duration, isAbandoned: @escaping @Sendable () -> Bool = { false }) {
        end = .now + limit
        self.isAbandoned = isAbandoned
    }

    var isOver: Bool { ContinuousClock.now >= end || isAbandoned() }

    /// Milliseconds until the end, at most a slice of 50, after which `isOver` is to be asked again.
    var slice: Int32 {
        let left = ContinuousClock.now.duration(to: end)
        let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
        return Int32(clamping: min(max(milliseconds, 0) + 1, 50))
    }
}
