internal import NIOCore

/// Whether a node looks out for a peer's next bytes before its loop sleeps (busy polling).
///
/// A thread that sleeps runs again some 20 to 50 µs after the bytes that wake it have come; a peer on the same machine has worked and
/// answered in less. So a peer that was prompt for a while, and alone, is looked out for. Where that turns out not to pay, twice as
/// long a while is asked for before the next attempt: a peer can cost its node the time between its own bytes, never more.
struct BusyPoll {
    /// Prompt answers in a row before the first attempt, and how many disappointments can make of them.
    private static let (least, most) = (16, 1 << 20)
    /// Good looks are remembered up to so many; a slow one costs four of them, and the attempt when there are not as many left.
    private static let (enough, price) = (16, 4)

    /// How long one look takes at the most. Twice as long is prompt for a peer that was not looked out for: sleeping takes its time too.
    let window: TimeAmount
    /// When the node last sent what the peer answers or waited for, and how many reads of any peer there had been.
    private var asked: (time: NIODeadline, reads: UInt64)?
    private var prompt = 0
    private var required = Self.least
    private var good = Self.enough

    init(window: TimeAmount) { self.window = window }

    /// Whether the next bytes are worth looking out for.
    var isWorthwhile: Bool { prompt >= required }

    /// Something went out that the peer answers, or an answer after which it may ask again.
    mutating func asked(at time: NIODeadline, reads: UInt64) { asked = (time, reads) }

    /// Bytes of the peer came.
    mutating func heard(at time: NIODeadline, reads: UInt64) {
        guard let asked = asked.take() else { return }
        let isPrompt = reads == asked.reads && time - asked.time <= window * 2
        prompt = isPrompt ? min(prompt + 1, Self.most) : 0
    }

    /// A look took so long: until bytes were there, or all of the window. One that had not to wait says nothing: the loop would not have
    /// slept.
    mutating func looked(for time: TimeAmount) {
        guard time > .zero else { return }
        if time * 2 <= window {
            if good == Self.enough { required = max(required - 1, Self.least) }
            good = min(good + 1, Self.enough)
        } else if good >= Self.price {
            good -= Self.price
        } else {
            (good, prompt) = (Self.enough, 0)
            required = min(required * 2, Self.most)
        }
    }
}

extension SessionLink {
    /// Waits for bytes without sleep. Called when all that was at hand is done: it stops the loop for as long.
    func lookOut() {
        guard isOpen, !isHeld, !isThrottled, var poll = busyPoll.take() else { return }
        // Not the loop's time, which may be virtual.
        let start = NIODeadline.now()
        var time = TimeAmount.zero
        while link.hasArrived == false, time < poll.window { time = .now() - start }
        poll.looked(for: time)
        busyPoll = poll
    }
}
