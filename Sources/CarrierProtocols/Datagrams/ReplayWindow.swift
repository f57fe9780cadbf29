/// Which counters have come: each is taken once, and only while it is at most 2047 behind the highest.
public struct ReplayWindow: Sendable {
    /// Counters looked back at.
    public static let size: UInt64 = 2048

    private var seen = [UInt64](repeating: 0, count: Int(size / 64))
    /// The highest counter that has come; nil before the first.
    public private(set) var highest: UInt64?

    /// A window that has seen nothing yet.
    public init() {}

    /// Whether the counter is new.
    public func accepts(_ counter: UInt64) -> Bool {
        guard let highest, counter <= highest else { return true }
        return highest - counter < Self.size && !contains(counter)
    }

    /// Notes a counter whose datagram was genuine.
    public mutating func note(_ counter: UInt64) {
        if let highest, counter > highest {
            // What falls out of the window makes room for what comes in.
            let step = min(counter - highest, Self.size)
            for offset in 1...step { clear(highest &+ offset) }
        }
        highest = max(highest ?? counter, counter)
        set(counter)
    }

    private func place(_ counter: UInt64) -> (word: Int, bit: UInt64) {
        let index = counter % Self.size
        return (Int(index / 64), 1 << (index % 64))
    }

    private func contains(_ counter: UInt64) -> Bool {
        let place = place(counter)
        return seen[place.word] & place.bit != 0
    }

    private mutating func set(_ counter: UInt64) {
        let place = place(counter)
        seen[place.word] |= place.bit
    }

    private mutating func clear(_ counter: UInt64) {
        let place = place(counter)
        seen[place.word] &= ~place.bit
    }
}
