internal import CStream
internal import Glibc
internal import NIOCore

extension SessionLink {
    /// Waits for bytes without sleep, for one window at the most, or until the system gives the processor back; the loop stands still
    /// meanwhile. On a busy machine such polls are in vain, and soon over.
    func pollLink() {
        // A link that does not take everything, or must not be read, waits for something else than the peer's bytes.
        guard let window = busyPoll?.window, isOpen, !isHeld, !isThrottled, isWritable else { return }
        // Not the loop's time, which may be virtual.
        let start = NIODeadline.now()
        var time = TimeAmount.zero
        while link.hasArrived == false, time < window {
            // Whoever else wants the processor gets it at once: a thread that never sleeps would keep it for milliseconds.
            sched_yield()
            time = .now() - start
        }
        busyPoll?.polled(for: time)
    }
}

/// The processors that this process may run on.
enum Processors {
    /// On a single one a peer on the same machine cannot work while its answer is polled for.
    static let areSeveral = cstream_processors() != 1
}
