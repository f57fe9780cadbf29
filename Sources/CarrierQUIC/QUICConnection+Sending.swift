#if QUIC
    internal import CQUIC
    internal import CarrierTransport
    internal import NIOCore

    // What goes out, in batches of packets.
    extension QUICConnection {
        /// Sends all that can be sent now, and sees to the timer.
        func pump() {
            guard !isPumping else {
                pumpsAgain = true
                return
            }
            isPumping = true
            repeat {
                pumpsAgain = false
                sendBatches()
                if wasFull, isWritable {
                    wasFull = false
                    delegate?.linkDidChangeWritability()
                }
            } while pumpsAgain && phase != .ended
            isPumping = false
            rearm()
        }

        func sendBatches() {
            let scratch = endpoint.scratch
            while let pointer, phase != .ended, !endpoint.isFull {
                let now = Self.now()
                var taken = 0
                var tookEnd = false
                var isBlocked = false
                var segment = 0
                var path = cquic_path()
                let queue = queue
                let isLast = wantsEnd && !hasSentEnd
                let count = queue.withUnsent { parts, isAll in
                    cquic_write(
                        pointer, scratch.baseAddress, scratch.count, endpoint.packetsInBatch, parts.baseAddress,
                        parts.count,
                        isLast && isAll, &taken, &tookEnd, &isBlocked, &segment, &path, now)
                }
                self.queue.sent(taken)
                if tookEnd { hasSentEnd = true }
                guard count >= 0 else { return fail(CInt(count)) }
                guard count > 0 else { return }
                endpoint.send(
                    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(scratch)[..<count]), segment, &path)
                cquic_sent(pointer, now)
            }
            if endpoint.isFull { endpoint.pumpLater(self) }
        }
    }
#endif
