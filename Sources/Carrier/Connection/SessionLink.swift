internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import NIOCore

/// Who is told what a session does.
protocol SessionLinkOwner: AnyObject {
    /// The handshake is done.
    func sessionDidOpen(_ session: SessionLink)
    /// Frames come.
    func sessionWillRead(_ session: SessionLink)
    /// A frame came.
    func session(_ session: SessionLink, didReceive frame: Frame)
    /// Everything that arrived has been handed over.
    func sessionDidReadAll(_ session: SessionLink)
    /// Some of what waited went out.
    func sessionDidFlush(_ session: SessionLink)
    /// There is room to send.
    func sessionDidDrain(_ session: SessionLink)
    /// The session is over; comes once, nothing comes after it.
    func session(_ session: SessionLink, didClose cause: SessionEnd)
}

/// Why a session is over.
enum SessionEnd {
    /// It never began.
    case handshake(HandshakeError)
    /// It is over.
    case disconnected(DisconnectCause)
}

/// A link and what makes it a session: handshake, records, frames. Confined to its event loop.
final class SessionLink: LinkDelegate {
    /// Bytes sealed at a time: two full records, what the system takes in one go.
    private static let sealBatch = 2 * RecordSealer.fullRecord

    private enum Phase {
        case handshake
        case open
        /// Nothing more is sent; what still comes is read until the link ends.
        case closing
        case closed
    }

    let link: any Link
    let isOutbound: Bool
    let remoteAddress: Address
    private let environment: SessionEnvironment
    /// Let go of when the link has ended.
    var owner: (any SessionLinkOwner)?
    private var phase = Phase.handshake
    private var handshake: StreamHandshake?
    private var session: Session?
    private var decoder: FrameDecoder
    private var isInsideRecord = false
    private var outbox = Outbox()
    private var alarm: Alarm
    private var endsWith: SessionEnd?
    private var retiredAt: NIODeadline?
    private var isHeld = false
    /// What the peer made us do for nothing in the present read.
    private var nothings = 0
    private var idleWork: IdleWork
    /// The peer is left waiting over that.
    private var isThrottled = false
    private var heldFrames: [Frame] = []
    private var needsFlush = false
    /// The peer broke the protocol: nothing more of it is looked at.
    private var isDeaf = false

    /// Called when the link is gone, whoever owns the session then.
    var onEnd: () -> Void = {}

    /// When the link stood.
    let startedAt: NIODeadline
    /// When the handshake was done; the start before that.
    private(set) var openedAt: NIODeadline
    /// When bytes came last.
    private(set) var heardAt: NIODeadline
    /// When the frame that is under way began.
    private var partialSince: NIODeadline?
    /// The peer's word about itself, once the session is open.
    private(set) var hello: Hello?
    /// Whether any byte of the other side has come.
    private(set) var hasHeard = false
    /// Bytes sent and received, as they are on the wire.
    private(set) var bytesOut: UInt64 = 0
    private(set) var bytesIn: UInt64 = 0

    /// Starts the handshake over a link that just came to be.
    init(
        _ link: any Link, isOutbound: Bool, pinned: PeerID?, in environment: SessionEnvironment,
        owner: any SessionLinkOwner
    ) {
        self.link = link
        self.isOutbound = isOutbound
        self.environment = environment
        self.owner = owner
        remoteAddress = link.remoteAddress
        let now = environment.now()
        startedAt = now
        openedAt = now
        heardAt = now
        decoder = FrameDecoder(bodyLimit: environment.limits.receive.message)
        idleWork = IdleWork(environment.limits.receive.forNothing, now: Instant(now))
        alarm = Alarm(loop: environment.loop)
        start(pinned: pinned)
    }

    private func start(pinned: PeerID?) {
        if case .established(let hello) = link.security { return startEstablished(hello, pinned) }
        let terms = environment.terms
        let observed = link.observedAddress.description
        do throws(HandshakeError) {
            if isOutbound {
                var first = ByteBuffer()
                handshake = try StreamHandshake(
                    initiatorWith: terms, record: environment.record, observedAddress: observed, pinned: pinned,
                    authenticated: link.security.peer, send: &first)
                put(first)
            } else {
                handshake = StreamHandshake(
                    responderWith: terms, record: environment.record, observedAddress: observed,
                    authenticated: link.security.peer)
            }
        } catch {
            endsWith = .handshake(error)
        }
        link.delegate = self
        lookAt(startedAt + TimeAmount(environment.limits.handshake.deadline))
        if endsWith != nil { link.close() }
    }

    /// The link shook hands itself: the session opens once its owner knows it.
    private func startEstablished(_ hello: Hello, _ pinned: PeerID?) {
        session = Session(hello: hello)
        self.hello = hello
        link.eventLoop.assumeIsolated().execute { [self] in
            guard phase == .handshake, endsWith == nil else { return }
            phase = .open
            owner?.sessionDidOpen(self)
            link.delegate = self
        }
    }

    // MARK: State

    var isOpen: Bool { phase == .open }
    var isInHandshake: Bool { phase == .handshake }

    /// Bytes that wait to be sealed.
    var waitingBytes: Int { outbox.byteCount }

    /// Whether bytes given now go out now.
    var isWritable: Bool { isOpen && link.isWritable && outbox.isEmpty }

    // MARK: Sending

    /// Puts a frame behind those that wait; it goes out with the next flush.
    func send(_ frame: Frame) {
        guard isOpen else { return }
        if outbox.isEmpty, let spare = environment.takeSpare() { outbox.giveSpare(spare) }
        outbox.append(frame)
        setNeedsFlush()
    }

    /// Puts a message behind those that wait, encoded in place; false when it does not fit into `buffer` bytes with them.
    func send(
        _ message: some Message, _ opcode: Opcode, _ flags: Frame.Flags, nonce: UInt32, buffer: Int
    ) throws -> Bool {
        guard isOpen else { return false }
        if outbox.isEmpty, let spare = environment.takeSpare() { outbox.giveSpare(spare) }
        let header = Frame(opcode, flags: flags, codec: type(of: message).codec, nonce: nonce)
        guard try outbox.append(header, limit: buffer, body: { try message.encode(into: &$0) }) else { return false }
        setNeedsFlush()
        return true
    }

    private func setNeedsFlush() {
        guard !needsFlush else { return }
        needsFlush = true
        environment.flushSoon(self)
    }

    /// Seals what waits while the link takes it.
    func flush() {
        needsFlush = false
        guard phase == .open, !outbox.isEmpty, var session = session.take() else { return }
        var failure: CryptoError?
        var wrote = false
        var sealed = environment.takeSealed()
        while !outbox.isEmpty, link.isWritable, failure == nil {
            do throws(CryptoError) {
                try session.seal(&outbox, enough: Self.sealBatch, in: &sealed) { write($0) }
            } catch { failure = error }
            wrote = true
        }
        environment.giveSealed(sealed)
        self.session = consume session
        if wrote { link.flush() }
        if let spare = outbox.takeSpare() { environment.giveSpare(spare) }
        if let failure { return end(.disconnected(.broken("\(failure)"))) }
        if wrote { owner?.sessionDidFlush(self) }
    }

    private func write(_ bytes: ByteBuffer) {
        bytesOut &+= UInt64(bytes.readableBytes)
        link.write(bytes)
    }

    private func put(_ bytes: ByteBuffer?) {
        guard let bytes, bytes.readableBytes > 0 else { return }
        write(bytes)
        link.flush()
    }

    /// Frames that wait and were not sealed: for the link that takes over.
    func takeUnsent() -> [ByteBuffer] { outbox.takeAll() }

    // MARK: Closing

    /// Says why, sends what waits, and ends the link when the other side does, or in time.
    func close(_ reason: Disconnect.Reason, _ text: String = "") {
        guard isOpen else {
            if isInHandshake { end(.handshake(.linkClosed("closed here"))) }
            return
        }
        if endsWith == nil { endsWith = .disconnected(.local(reason, text)) }
        sayGoodbye(reason, text)
    }

    /// Says that another link of the same peer takes over; goes on reading until the other side has said so too.
    ///
    /// The stream is not ended before that: an end would make the other side drop what it still sends.
    func retire() {
        guard isOpen else { return }
        endsWith = .disconnected(.local(.duplicateConnection, ""))
        retiredAt = environment.now()
        sayGoodbye(.duplicateConnection, "", ends: false)
    }

    /// The other side has said that the link retires: nothing more comes.
    func retireForGood() { link.finish() }

    private func sayGoodbye(_ reason: Disconnect.Reason, _ text: String, ends: Bool = true) {
        outbox.append(Disconnect(reason, text).frame())
        // What the link does not take at once goes out while it closes: it is bounded by the send buffer.
        guard var session = session.take() else { return }
        do throws(CryptoError) {
            var sealed = ByteBuffer()
            try session.seal(&outbox, in: &sealed) { write($0) }
        } catch {
            // Without a seal there is no good-bye; the link ends below all the same.
        }
        self.session = consume session
        phase = .closing
        environment.closing[ObjectIdentifier(self)] = self
        if isHeld { release() }
        link.flush()
        if ends { link.finish() }
        lookAt(environment.now() + TimeAmount(environment.limits.connections.farewell))
    }

    /// Ends the link at once.
    func abort(_ cause: DisconnectCause) { end(.disconnected(cause)) }

    private func end(_ end: SessionEnd) {
        if endsWith == nil { endsWith = end }
        link.close()
    }

    func linkDidClose(_ error: LinkError) {
        alarm.cancel()
        environment.closing[ObjectIdentifier(self)] = nil
        let wasInside = decoder.isInsideFrame || isInsideRecord
        let wasHandshake = isInHandshake
        phase = .closed
        outbox = Outbox()
        let cause: SessionEnd
        if let endsWith {
            cause = endsWith
        } else if wasHandshake {
            cause = .handshake(.linkClosed(hasHeard ? "\(error)" : "\(error), before a word"))
        } else {
            cause = .disconnected(.broken(wasInside ? "\(error), inside a frame" : "\(error), without a Disconnect"))
        }
        let owner = owner
        self.owner = nil
        owner?.session(self, didClose: cause)
        onEnd()
        onEnd = {}
    }

    // MARK: Receiving

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

    private func release() {
        isHeld = false
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
        environment.turn {
            switch phase {
            case .handshake: shakeHands(bytes)
            case .open, .closing: if !isDeaf { receive(bytes) }
            case .closed: break
            }
        }
    }

    private func shakeHands(_ bytes: ByteBuffer) {
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

    private func receive(_ bytes: ByteBuffer) {
        guard var session = session.take() else { return }
        var bytes = bytes
        var plaintext = environment.takePlaintext()
        var failure: CryptoError?
        let emptyRecords = session.emptyRecordCount
        do throws(CryptoError) {
            try session.open(&bytes, into: &plaintext)
        } catch { failure = error }
        nothings += Int(session.emptyRecordCount - emptyRecords)
        isInsideRecord = session.isInsideRecord
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
    private func throttle() {
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

    private func decode(_ plaintext: ByteBuffer) {
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

    // MARK: Time

    /// Times a frame from its first byte on; one that came whole starts the time of the next.
    private func watchPartialFrame() {
        guard decoder.isInsideFrame || isInsideRecord, !isHeld else {
            partialSince = nil
            return
        }
        if partialSince == nil { partialSince = heardAt }
        if let partialSince { lookAt(partialSince + TimeAmount(environment.limits.receive.frame)) }
    }

    private func lookAt(_ deadline: NIODeadline) {
        guard !alarm.goesOff(by: deadline) else { return }
        alarm.set(at: deadline) { [self] in look() }
    }

    private func look() {
        alarm.hasGoneOff()
        let now = environment.now()
        let limits = environment.limits
        switch phase {
        case .handshake:
            let deadline = startedAt + TimeAmount(limits.handshake.deadline)
            guard now >= deadline else { return lookAt(deadline) }
            environment.limitCounts.note(.handshake)
            end(.handshake(.timeout(limits.handshake.deadline)))
        case .open:
            guard let partialSince, !isHeld else { return }
            let deadline = partialSince + TimeAmount(limits.receive.frame)
            if now >= deadline {
                fail(.receiveTimeout, "expected a whole frame within \(limits.receive.frame)")
            } else {
                lookAt(deadline)
            }
        case .closing, .closed:
            // A retired link may take longer, as long as something moves on it.
            let patience = TimeAmount(limits.connections.farewell)
            if let retiredAt, now < retiredAt + TimeAmount(limits.handshake.deadline),
                now < heardAt + patience || !link.isWritable
            {
                return lookAt(now + patience)
            }
            // The farewell took too long.
            link.close()
        }
    }
}
