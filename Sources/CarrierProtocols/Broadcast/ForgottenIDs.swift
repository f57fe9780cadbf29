internal import CarrierWire

/// Ids that had to be forgotten for want of room, while their messages could still come again: a trace of each is kept in
/// a Bloom filter. What is not in it has not been here; of what is new, some in ten thousand are taken for old under the
/// greatest flood whose signatures one processor can check.
///
/// Takes no memory until something is forgotten, and then a filter of 2 MiB a minute, until its messages are too old: four at
/// most.
struct ForgottenIDs: Sendable {
    /// Bits of a filter; a power of two.
    private static let size = 1 << 24
    /// Bits of an id: with these few, three in ten thousand are mistaken where a filter has 850 000 ids.
    private static let probes = 6
    /// For how long a filter takes ids.
    private static let span = Duration.seconds(60)

    /// What was forgotten in a span of time.
    private struct Filter {
        var words = [UInt64](repeating: 0, count: ForgottenIDs.size / 64)
        let since: Instant
        /// When the last of its messages is too old to come again.
        var until: Instant
    }

    /// The latest last.
    private var filters: [Filter] = []

    /// How many filters there are.
    var count: Int { filters.count }

    /// Keeps a trace of an id until its message is too old.
    mutating func insert(_ id: Broadcast.ID, until: Instant, now: Instant) {
        expire(now)
        if filters.last.map({ now - $0.since >= Self.span }) ?? true {
            filters.append(Filter(since: now, until: until))
        }
        let last = filters.count - 1
        filters[last].until = max(filters[last].until, until)
        for bit in Self.bits(of: id) { filters[last].words[bit >> 6] |= 1 << UInt64(bit & 63) }
    }

    /// Whether an id is likely to have been here; false for certain.
    func mayContain(_ id: Broadcast.ID, now: Instant) -> Bool {
        guard !filters.isEmpty else { return false }
        let bits = Self.bits(of: id)
        return filters.contains { filter in
            filter.until > now && bits.allSatisfy { filter.words[$0 >> 6] & 1 << UInt64($0 & 63) != 0 }
        }
    }

    /// Lets go of what could not come again.
    mutating func expire(_ now: Instant) {
        if !filters.isEmpty { filters.removeAll { $0.until <= now } }
    }

    /// Under a key of the process's own, so that nobody can choose ids that hide others.
    private static func bits(of id: Broadcast.ID) -> [Int] {
        let hash = UInt64(truncatingIfNeeded: id.hashValue)
        let step = hash >> 32 | 1
        return (0..<UInt64(probes)).map { Int(truncatingIfNeeded: (hash &+ $0 &* step) & UInt64(size - 1)) }
    }
}
