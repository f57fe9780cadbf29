internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import Logging
internal import NIOCore

/// Deadlines, keepalive and silence.
extension Connection {
    func watch() {
        let silence = limits.idle.keepalive.map { min($0, limits.idle.drop) } ?? limits.idle.drop
        if let session { look(at: session.heardAt + TimeAmount(silence)) }
    }

    func look(at deadline: NIODeadline) {
        guard !alarm.goesOff(by: deadline) else { return }
        alarm.set(at: deadline) { [self] in look() }
    }

    private func look() {
        alarm.hasGoneOff()
        guard !isOver else { return }
        let now = node.environment.now()
        for (waiter, error) in requests.takeOverdue(at: now) {
            node.note(.request)
            settle(waiter, .failed(error))
        }
        if let next = requests.nextDeadline { look(at: next) }
        while let first = roomWaiters.first, first.deadline <= now {
            roomWaiters.removeFirst()
            node.note(.sendWait)
            first.completion(.sendBufferFull(limit: limits.send.buffer))
        }
        if let next = roomWaiters.first { look(at: next.deadline) }
        lookAtSendBuffer(now)
        lookAtSilence(now)
        node.carryOutWork()
    }

    private func lookAtSendBuffer(_ now: NIODeadline) {
        guard let fullSince else { return }
        let deadline = fullSince + TimeAmount(limits.send.full)
        if now < deadline { return look(at: deadline) }
        abort(
            .local(
                .sendBufferFull, "the peer took nothing of \(session?.waitingBytes ?? 0) bytes for \(limits.send.full)")
        )
    }

    private func lookAtSilence(_ now: NIODeadline) {
        guard let session, !isOver else { return }
        let drop = session.heardAt + TimeAmount(limits.idle.drop)
        // Who is held back cannot be heard.
        if now >= drop, holds.isEmpty {
            return fail(.idleTimeout, "expected a sign of life within \(limits.idle.drop)")
        }
        if let interval = limits.idle.keepalive {
            let due = max(session.heardAt, keepaliveSentAt ?? session.heardAt) + TimeAmount(interval)
            if now >= due {
                keepaliveSentAt = now
                node.note(.keepalive)
                send(Keepalive().frame(), wantsReply: true, within: limits.idle.drop, .call { _ in })
                look(at: now + TimeAmount(interval))
            } else {
                look(at: due)
            }
        }
        look(at: max(drop, now + .seconds(1)))
    }

    /// Asks whether the peer is still there; anything that comes in time says yes.
    func probe(_ completion: @escaping (Bool) -> Void) {
        guard let session, probe == nil else { return completion(false) }
        // Who is held back on purpose cannot be heard; that is no sign of death.
        guard holds.subtracting(.sendBuffer).isEmpty else { return completion(true) }
        let sentAt = node.environment.now()
        probe = completion
        send(Keepalive().frame(), wantsReply: true, within: limits.idle.drop, .call { _ in })
        session.flush()
        node.environment.loop.assumeIsolated().scheduleTask(deadline: sentAt + TimeAmount(limits.connections.probe)) {
            [self] in
            guard let probe = self.probe else { return }
            self.probe = nil
            probe(false)
        }
    }
}
