internal import NIOCore

extension SessionLink {
    /// Waits for bytes without sleep, for one window at the most; the loop stands still meanwhile.
    func pollLink() {
        // A link that does not take everything, or must not be read, waits for something else than the peer's bytes.
        guard let window = busyPoll?.window, isOpen, !isHeld, !isThrottled, isWritable else { return }
        // Not the loop's time, which may be virtual.
        let start = NIODeadline.now()
        var time = TimeAmount.zero
        while link.hasArrived == false, time < window { time = .now() - start }
        busyPoll?.polled(for: time)
    }
}
