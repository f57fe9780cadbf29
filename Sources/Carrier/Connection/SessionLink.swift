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
    /// Bytes sealed at a time: four full records. Of fewer, the system wakes the other side for each; more have left the cache when
    /// they are sent.
    private static let sealBatch = 4 * RecordSealer.fullRecord
    /// Requests and replies that go out before the turn is over, so that the other side works on them while we make the next:
    /// when all of a turn go out at its end, each side sleeps while the other works, and waking takes as long as the work.
    private static let awaitedAtOnce = 32

    enum Phase {
        case handshake
        case open
        /// Nothing more is sent; what still comes is read until the link ends.
        case closing
        case closed
    }

    let link: any Link
    let isOutbound: Bool
    let remoteAddress: Address
    let environment: SessionEnvironment
    /// Let go of when the link has ended.
    var owner: (any SessionLinkOwner)?
    var phase = Phase.handshake
    var handshake: StreamHandshake?
    var session: Session?
    var decoder: FrameDecoder
    var isInsideRecord = false
    var outbox = Outbox()
    var alarm: Alarm
    var endsWith: SessionEnd?
    var retiredAt: NIODeadline?
    var isHeld = false
    /// What the peer made us do for nothing in the present read.
    var nothings = 0
    var idleWork: IdleWork
    /// The peer is left waiting over that.
    var isThrottled = false
    var heldFrames: [Frame] = []
    /// Held frames are being handed over.
    var isReleasing = false
    var needsFlush = false
    /// Requests and replies among what waits.
    private var awaited = 0
    /// Nil where the link cannot be looked at, or must not be.
    var busyPoll: BusyPoll?
    /// The peer broke the protocol: nothing more of it is looked at.
    var isDeaf = false

    /// Called when the link is gone, whoever owns the session then.
    var onEnd: () -> Void = {}

    /// Whether it was dialled for components alone.
    var isSpare = false
    /// When the link stood.
    let startedAt: NIODeadline
    /// When the handshake was done; the start before that.
    var openedAt: NIODeadline
    /// When bytes came last.
    var heardAt: NIODeadline
    /// When the frame that is under way began.
    var partialSince: NIODeadline?
    /// The peer's word about itself, once the session is open.
    var hello: Hello?
    /// Whether any byte of the other side has come.
    var hasHeard = false
    /// Bytes sent and received, as they are on the wire.
    var bytesOut: UInt64 = 0
    var bytesIn: UInt64 = 0

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
        let window = TimeAmount(environment.limits.receive.busyPoll)
        if window > .zero, Processors.areSeveral, link.hasArrived != nil { busyPoll = BusyPoll(window: window) }
        start(pinned: pinned)
    }

    func start(pinned: PeerID?) {
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
    func startEstablished(_ hello: Hello, _ pinned: PeerID?) {
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

    /// Records sealed since the key last changed.
    var recordsUnderKey: Int { session?.recordsUnderKey ?? 0 }

    /// Whether bytes given now go out now.
    var isWritable: Bool { isOpen && link.isWritable && outbox.isEmpty }

    // MARK: Sending

    /// Puts a frame behind those that wait; it goes out with the next flush.
    func send(_ frame: Frame) {
        guard isOpen else { return }
        if !needsFlush, outbox.isEmpty, let spare = environment.takeSpare() { outbox.giveSpare(spare) }
        outbox.append(frame)
        setNeedsFlush()
        count(frame.flags)
    }

    /// Puts a message behind those that wait, encoded in place; false when it does not fit into `buffer` bytes with them.
    func send(
        _ message: some Message, _ opcode: Opcode, _ flags: Frame.Flags, nonce: UInt32, buffer: Int
    ) throws -> Bool {
        guard isOpen else { return false }
        // With a flush to come there is something in the outbox already.
        if !needsFlush, outbox.isEmpty, let spare = environment.takeSpare() { outbox.giveSpare(spare) }
        let header = Frame(opcode, flags: flags, codec: type(of: message).codec, nonce: nonce)
        guard try outbox.append(header, limit: buffer, body: { try message.encode(into: &$0) }) else { return false }
        setNeedsFlush()
        count(flags)
        return true
    }

    private func count(_ flags: Frame.Flags) {
        if !flags.isDisjoint(with: [.request, .reply, .needsAck]) { awaited += 1 }
    }

    /// Sends what waits if others wait for enough of it.
    func goAhead() {
        if awaited >= Self.awaitedAtOnce { flush() }
    }

    func setNeedsFlush() {
        guard !needsFlush else { return }
        needsFlush = true
        environment.flushSoon(self)
    }

    /// Seals what waits while the link takes it.
    func flush() {
        needsFlush = false
        let isAwaited = awaited > 0
        awaited = 0
        guard phase == .open, !outbox.isEmpty, var session = session.take() else { return }
        var failure: CryptoError?
        var wrote = false
        let rekeys = session.rekeys
        var sealed = environment.takeSealed()
        while !outbox.isEmpty, link.isWritable, failure == nil {
            do throws(CryptoError) {
                try session.seal(&outbox, enough: Self.sealBatch, in: &sealed) { write($0) }
            } catch { failure = error }
            wrote = true
        }
        environment.giveSealed(sealed)
        if session.rekeys != rekeys { environment.limitCounts.note(.records) }
        self.session = consume session
        if wrote { link.flush() }
        if let spare = outbox.takeSpare() { environment.giveSpare(spare) }
        if let failure { return end(.disconnected(.broken("\(failure)"))) }
        if wrote { owner?.sessionDidFlush(self) }
        if wrote, isAwaited { environment.expectMore(of: self) }
    }

    func write(_ bytes: ByteBuffer) {
        bytesOut &+= UInt64(bytes.readableBytes)
        link.write(bytes)
    }

    func put(_ bytes: ByteBuffer?) {
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

    func sayGoodbye(_ reason: Disconnect.Reason, _ text: String, ends: Bool = true) {
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

    func end(_ end: SessionEnd) {
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

    // MARK: Time

    /// Times a frame from its first byte on; one that came whole starts the time of the next.
    func watchPartialFrame() {
        guard decoder.isInsideFrame || isInsideRecord, !isHeld else {
            partialSince = nil
            return
        }
        if partialSince == nil { partialSince = heardAt }
        if let partialSince { lookAt(partialSince + TimeAmount(environment.limits.receive.frame)) }
    }

    func lookAt(_ deadline: NIODeadline) {
        guard !alarm.goesOff(by: deadline) else { return }
        alarm.set(at: deadline) { [self] in look() }
    }

    func look() {
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
