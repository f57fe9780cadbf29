internal import NIOCore

/// Whether a peer's link is polled for its next bytes before the loop sleeps (busy polling).
///
/// A thread that sleeps runs again some 20 to 50 µs after the bytes that wake it have come; a peer on the same machine has worked and
/// answered in less. So the link of a peer that was prompt for a while, and alone, is polled. Where that turns out not to pay, twice as
/// long a while is asked for before the next attempt.
///
/// Polling stops the loop, so it is bounded: between two reads a node polls once; another peer that is heard, or a call from another
/// thread, ends the attempt; polls in vain are five in a row for each 16, 32, 64 … prompt answers. Whoever sends something every few
/// microseconds, answer or not, keeps the thread awake as long as it goes on.
struct BusyPoll {
    /// Prompt answers in a row before the first attempt.
    private static let leastPrompt = 16
    /// What disappointments can make of them.
    private static let mostPrompt = 1 << 12
    /// Polls that paid are remembered up to so many.
    private static let memory = 16
    /// What one that did not takes off them; it ends the attempt when they are fewer.
    private static let price = 4

    /// How long one poll takes at the most. An answer is prompt that takes twice as long: as a rule it woke a thread at either end.
    let window: TimeAmount
    /// When the node last sent what the peer answers, or an answer after which it may ask again; and how much had come
    /// of anybody when it first did since it last heard of this one.
    private var waiting: (since: NIODeadline, arrivals: UInt64)?
    private var prompt = 0
    private var required = Self.leastPrompt
    private var paid = Self.memory

    init(window: TimeAmount) { self.window = window }

    /// Whether to poll for the next bytes.
    var isWorthwhile: Bool { prompt >= required }

    /// More is expected of the peer from now on.
    mutating func expect(from time: NIODeadline, arrivals: UInt64) {
        waiting = (time, waiting?.arrivals ?? arrivals)
    }

    /// Bytes of the peer came.
    mutating func heard(at time: NIODeadline, arrivals: UInt64) {
        guard let waiting = waiting.take() else { return }
        let isPrompt = (time - waiting.since).nanoseconds / 2 <= window.nanoseconds
        prompt = isPrompt && arrivals == waiting.arrivals ? min(prompt + 1, Self.mostPrompt) : 0
    }

    /// A poll took so long: until bytes were there, or all of the window.
    ///
    /// One that had not to wait says nothing: the loop would not have slept. In half of the window a thread would have been woken.
    mutating func polled(for time: TimeAmount) {
        guard time > .zero else { return }
        if time.nanoseconds <= window.nanoseconds / 2 {
            if paid == Self.memory { required = max(required - 1, Self.leastPrompt) }
            paid = min(paid + 1, Self.memory)
        } else if paid >= Self.price {
            paid -= Self.price
        } else {
            (paid, prompt) = (Self.memory, 0)
            required = min(required * 2, Self.mostPrompt)
        }
    }
}
