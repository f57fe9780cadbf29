#if QUIC
    internal import CQUIC
    internal import CarrierTransport
    internal import NIOCore

    // The library's deadlines, keep-alive, and what a refusal is worth.
    extension QUICConnection {
        /// How long a side that was told that nobody listens waits for a sign of life.
        private static let patience: TimeAmount = .seconds(1)

        func rearm() {
            guard let pointer, phase != .ended else { return }
            let expiry = cquic_expiry(pointer)
            guard expiry != .max else { return }
            let deadline = NIODeadline.uptimeNanoseconds(expiry)
            guard deadline < timerAt else { return }
            timer?.cancel()
            timerAt = deadline
            // Not weakly, here and below: every packet would pay for that. The timer goes with the end.
            timer = endpoint.loop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in timerFired() }
        }

        func timerFired() {
            timerAt = .distantFuture
            timer = nil
            guard let pointer, phase != .ended else { return }
            let now = Self.now()
            // A deadline that was moved later since is only looked at.
            if cquic_expiry(pointer) <= now {
                let status = cquic_expire(pointer, now)
                if status != 0 { return fail(status) }
            }
            if isFast, endpoint.loop.now - receivedAt > .seconds(5) { setFast(false) }
            pump()
        }

        func setFast(_ isFast: Bool) {
            self.isFast = isFast
            let interval = isFast ? Self.fastKeepAlive : Self.slowKeepAlive
            if let pointer { cquic_keep_alive(pointer, UInt64(interval.nanoseconds)) }
        }

        /// The system says that nobody listens there. That may be forged: who is there after all has a second to say so.
        func wasRefused() {
            guard phase != .ended, refusedAt == nil else { return }
            guard phase == .open, let pointer else { return end(.refused, saying: nil) }
            refusedAt = endpoint.loop.now
            cquic_keep_alive(pointer, UInt64(TimeAmount.milliseconds(200).nanoseconds))
            pump()
            endpoint.loop.assumeIsolated().scheduleTask(in: Self.patience) { [self] in
                guard phase == .open else { return }
                if refusedAt != nil {
                    end(.reset("nobody listens there any more"), saying: nil)
                } else {
                    setFast(isFast)
                }
            }
        }
    }
#endif
