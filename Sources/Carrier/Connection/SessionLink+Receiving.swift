internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import NIOCore

/// What comes over the link: first the handshake, then records, then frames; and what holds it back.
extension SessionLink {
    /// Stops or takes up the handing over of frames; what is held back makes the other side stop.
    func setHeld(_ held: Bool) {
        guard held != isHeld else { return }
        if held {
            isHeld = true
            link.setReading(false)
        } else {
            release()
        }
    }

    func release() {
        isHeld = false
        // A frame that is handed over may hold the session, and what goes out because of it may release it: who is at it goes on.
        guard !isReleasing else { return }
        isReleasing = true
        partialSince = nil
        heardAt = environment.now()
        var index = 0
        if !heldFrames.isEmpty { owner?.sessionWillRead(self) }
        while index < heldFrames.count, !isHeld, phase != .closed {
            let frame = heldFrames[index]
            index += 1
            owner?.session(self, didReceive: frame)
        }
        heldFrames.removeFirst(min(index, heldFrames.count))
        isReleasing = false
        guard !isHeld else { return }
        if index > 0 { owner?.sessionDidReadAll(self) }
        if !isThrottled { link.setReading(true) }
        watchPartialFrame()
    }

    /// Hands over a frame that another owner was given.
    func redeliver(_ frame: Frame) {
        if isHeld { heldFrames.append(frame) } else { owner?.session(self, didReceive: frame) }
    }

    func linkDidRead(_ bytes: ByteBuffer) {
        hasHeard = true
        heardAt = environment.now()
        bytesIn &+= UInt64(bytes.readableBytes)
        environment.heard(self)
        environment.turn {
            switch phase {
            case .handshake: shakeHands(bytes)
            case .open, .closing: if !isDeaf { receive(bytes) }
            case .closed: break
            }
        }
    }

    func shakeHands(_ bytes: ByteBuffer) {
        guard var handshake = handshake.take() else { return }
        let outcome = handshake.receive(bytes)
        switch consume outcome {
        case .more(let answer):
            self.handshake = consume handshake
            put(answer)
        case .established(let answer, let session):
            let rest = handshake.takeRest()
            openedAt = heardAt
            hello = session.hello
            if let line = session.keyLogLine { environment.logKeys(line) }
            self.session = consume session
            phase = .open
            put(answer)
            alarm.cancel()
            owner?.sessionDidOpen(self)
            if rest.readableBytes > 0 { receive(rest) }
        case .failed(let error, let farewell):
            phase = .closed
            endsWith = .handshake(error)
            guard let farewell else { return link.close() }
            put(farewell)
            link.finish()
            lookAt(environment.now() + TimeAmount(environment.limits.connections.farewell))
        }
    }

    func receive(_ bytes: ByteBuffer) {
        guard var session = session.take() else { return }
        var bytes = bytes
        var plaintext = environment.takePlaintext()
        var failure: CryptoError?
        let emptyRecords = session.emptyRecordCount
        let rekeys = session.rekeys
        do throws(CryptoError) {
            try session.open(&bytes, into: &plaintext)
        } catch { failure = error }
        nothings += Int(session.emptyRecordCount - emptyRecords)
        isInsideRecord = session.isInsideRecord
        if session.rekeys != rekeys { environment.limitCounts.note(.records) }
        self.session = consume session
        if plaintext.readableBytes > 0 { decode(plaintext) }
        environment.givePlaintext(plaintext)
        if let failure { fail(.protocolError, "a record did not open: \(failure)") }
        watchPartialFrame()
        throttle()
    }

    /// A frame was good for nothing.
    func countNothing() { nothings += 1 }

    /// Leaves a peer waiting that keeps us busy for nothing.
    func throttle() {
        guard nothings > 0 else { return }
        let pause = idleWork.add(nothings, now: Instant(environment.now()))
        nothings = 0
        guard let pause, !isThrottled else { return }
        isThrottled = true
        environment.limitCounts.note(.forNothing)
        link.setReading(false)
        environment.loop.assumeIsolated().scheduleTask(in: TimeAmount(pause)) { [self] in
            guard phase != .closed else { return }
            isThrottled = false
            heardAt = environment.now()
            if !isHeld { link.setReading(true) }
        }
    }

    func decode(_ plaintext: ByteBuffer) {
        decoder.feed(plaintext)
        owner?.sessionWillRead(self)
        var count = 0
        do throws(FrameError) {
            while let frame = try decoder.next() {
                count += 1
                if isHeld {
                    heldFrames.append(frame)
                } else {
                    owner?.session(self, didReceive: frame)
                }
                if phase == .closed { return }
            }
        } catch {
            if case .bodyTooLarge = error {
                fail(.messageTooLarge, "\(error)")
            } else {
                fail(.protocolError, "\(error)")
            }
        }
        if count > 0 { partialSince = nil }
    }

    /// Ends the session over something that the peer did.
    func fail(_ reason: Disconnect.Reason, _ text: String) {
        isDeaf = true
        if isOpen {
            close(reason, text)
        } else {
            end(.disconnected(.local(reason, text)))
        }
    }

    func linkDidReadAll() {
        environment.turn { owner?.sessionDidReadAll(self) }
        environment.flushNow()
    }

    func linkDidChangeWritability() {
        guard link.isWritable else { return }
        flush()
        if outbox.isEmpty { owner?.sessionDidDrain(self) }
    }
}
