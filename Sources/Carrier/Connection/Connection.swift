internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import Logging
internal import NIOCore

/// A live session with one peer and what the shell keeps for it. Confined to its node's loop.
///
/// There is one a peer. The link beneath it may be replaced when both sides dialled at once; the connection, its requests
/// and its place in the order of messages stay.
final class Connection: SessionLinkOwner {
    /// Why frames of the peer are held back.
    struct Holds: OptionSet {
        let rawValue: Int
        /// The consumer of the byte stream is slow, or there is none yet.
        static let stream = Holds(rawValue: 1)
        /// A message was received with a lock.
        static let lock = Holds(rawValue: 2)
        /// The application has not taken what came before.
        static let inbox = Holds(rawValue: 4)
        /// The peer does not read what it provokes.
        static let sendBuffer = Holds(rawValue: 8)
        /// What the link before this one still brings comes first.
        static let predecessor = Holds(rawValue: 16)
    }

    let info: PeerInfo
    /// How long connecting and the handshake took.
    let timing: ConnectionTiming
    unowned let node: NodeCore
    /// The session that frames go out on; nil while the peer's other dial takes over.
    private(set) var session: SessionLink?
    /// Sessions that were replaced and are read until they end.
    private var retired: [SessionLink] = []
    /// The one of them on which frames went out: the next ones follow when its end says that the peer has read those. The
    /// peer cannot hold them back itself, for it may not know yet whose link this was.
    private var predecessor: SessionLink?
    private var requests = RequestTable()
    private(set) var holds: Holds = []
    private var alarm: Alarm
    private(set) var isOver = false
    private var penalties = 0
    private var fullSince: NIODeadline?
    private var roomWaiters: [RoomWaiter] = []
    /// Takes the byte stream.
    private var stream: (any StreamConsumer)?
    /// A frame of the byte stream that came before there was anybody to take it.
    private var earlyBytes: [Frame] = []
    private var probe: ((Bool) -> Void)?
    private var probeSentAt: NIODeadline?
    private var keepaliveSentAt: NIODeadline?
    /// Whether any frame but a good-bye has come.
    private(set) var hasHeardFrame = false
    /// What the application has not taken yet.
    let inbox: Inbox
    /// Bytes of the links before the present one.
    private var pastBytesOut: UInt64 = 0
    private var pastBytesIn: UInt64 = 0

    var peer: PeerID { info.peer }
    var bytesOut: UInt64 { pastBytesOut &+ (session?.bytesOut ?? 0) }
    var bytesIn: UInt64 { pastBytesIn &+ (session?.bytesIn ?? 0) }
    private var limits: Limits { node.environment.limits }

    init(_ session: SessionLink, info: PeerInfo, timing: ConnectionTiming, node: NodeCore) {
        self.session = session
        self.info = info
        self.timing = timing
        self.node = node
        inbox = Inbox(byteLimit: node.environment.limits.receive.waiting)
        alarm = Alarm(loop: node.environment.loop)
        session.owner = self
        watch()
    }

    /// Whether the peer's own dial may still be under way: as long as a dial and its handshake can take.
    var isFresh: Bool {
        guard let session else { return true }
        let age = Duration(node.environment.now() - session.openedAt)
        return age < limits.dial.timeout + limits.handshake.deadline
    }

    /// Whether this side dialled the link that frames go out on now.
    var currentIsOutbound: Bool { session?.isOutbound ?? info.isOutbound }

    // MARK: Receiving

    func sessionDidOpen(_ session: SessionLink) {}

    func session(_ session: SessionLink, didReceive frame: Frame) {
        node.recordFrame(frame, isSent: false, peer: peer)
        switch frame.opcode {
        case .disconnect:
            return receiveGoodbye(frame, on: session)
        case .ackResponse:
            guard let ack = decode(AckResponse.self, frame) else { return }
            settle(requests.take(ack.nonce, isReply: false), .acknowledged, session)
        case .bytes:
            if frame.body.readableBytes == 0, frame.flags.isEmpty {
                session.countNothing()
            } else {
                receiveBytes(frame)
            }
        case .keepalive where frame.flags.contains(.request):
            guard decode(Keepalive.self, frame) != nil else { return }
            send(KeepaliveResponse().frame(flags: .reply, nonce: frame.nonce))
        default:
            if frame.flags.contains(.reply) {
                settle(requests.take(frame.nonce, isReply: true), .reply(frame), session)
            } else {
                node.receive(frame, from: self)
            }
        }
        hasHeardFrame = true
    }

    /// The message of a frame; nil, and the connection ends, when the body is malformed.
    private func decode<M: BuiltInMessage>(_ type: M.Type, _ frame: Frame) -> M? {
        do throws(WireError) {
            return try M(fields: frame.body)
        } catch {
            fail(.protocolError, "\(frame.opcode): \(error)")
            return nil
        }
    }

    /// - Parameter session: what brought the answer, where the peer did.
    private func settle(_ waiter: RequestTable.Waiter?, _ answer: Answer, _ session: SessionLink? = nil) {
        switch waiter {
        case .component(let index, let ticket): node.answered(component: index, ticket, by: peer, answer)
        case .call(let body): body(answer)
        case nil: session?.countNothing()
        }
    }

    func sessionDidReadAll(_ session: SessionLink) {
        if let probe {
            self.probe = nil
            probe(true)
        }
        node.carryOutWork()
    }

    /// Acknowledges a frame that asked for it, once it has been handled.
    func acknowledge(_ frame: Frame) {
        if frame.flags.contains(.needsAck) { send(AckResponse(nonce: frame.nonce).frame(nonce: frame.nonce)) }
    }

    /// Holds back what the peer sends, for one reason; or drops that reason.
    func setHold(_ reason: Holds, _ isOn: Bool) {
        let before = holds
        if isOn { holds.insert(reason) } else { holds.remove(reason) }
        guard holds != before else { return }
        session?.setHeld(!holds.isEmpty)
    }

    // MARK: Inbox

    /// Keeps a message until the application takes it; more of them than should wait hold the peer back.
    func keep(_ frame: Frame) {
        inbox.offer(frame)
        inboxChanged()
    }

    /// Counts a message that waits elsewhere, and gives it back to be kept there.
    func charge(_ frame: Frame) -> Frame {
        defer { inboxChanged() }
        return inbox.charge(frame)
    }

    /// A message that waited elsewhere has been taken.
    func discharge(_ frame: Frame) {
        inbox.discharge(frame)
        inboxChanged()
    }

    func inboxChanged() {
        if inbox.isFull, !holds.contains(.inbox) { node.note(.waiting) }
        setHold(.lock, inbox.isLocked)
        setHold(.inbox, inbox.isFull)
    }

    // MARK: Byte stream

    private func receiveBytes(_ frame: Frame) {
        guard node.configuration.takesByteStreams else {
            node.receive(frame, from: self)
            return
        }
        guard let stream else {
            earlyBytes.append(frame)
            setHold(.stream, true)
            return
        }
        stream.streamDidReceive(frame)
    }

    /// Gives the byte stream to its consumer, from its first byte on.
    func attach(_ stream: any StreamConsumer) {
        self.stream = stream
        let early = earlyBytes
        earlyBytes = []
        for frame in early { stream.streamDidReceive(frame) }
        if !early.isEmpty { setHold(.stream, false) }
    }

    // MARK: Sending

    /// Whether bytes given now go out now.
    var isWritable: Bool { predecessor == nil && (session?.isWritable ?? false) }

    /// Sends a frame behind those that wait, whether there is room or not: for replies and the node's own messages. A peer that
    /// does not read what it provokes is held back, then dropped.
    func send(_ frame: Frame) {
        guard !isOver, let frame = fitted(frame) else { return }
        node.recordFrame(frame, isSent: true, peer: peer)
        guard let session, predecessor == nil else {
            unsent.append(frame)
            unsentBytes += frame.encodedSize
            return
        }
        session.send(frame)
        watchSendBuffer()
    }

    /// Requests that wait for an answer.
    var outstanding: Int { requests.count }

    /// How much larger a frame is than what the link carries; nil when it fits.
    private func excess(of frame: Frame) -> RequestError? {
        guard let limit = session?.link.frameLimit, frame.encodedSize > limit else { return nil }
        return .datagramTooLarge(limit: limit, got: frame.encodedSize)
    }

    /// The frame, or as much of it as makes sense in a datagram: the closest of a lookup's records. Nil when nothing does.
    private func fitted(_ frame: Frame) -> Frame? {
        guard let error = excess(of: frame) else { return frame }
        guard frame.opcode == .lookupNodeResponse, var response = try? LookupNodeResponse(fields: frame.body) else {
            node.log.notice("\(peer.short): \(frame.opcode) not sent: \(error)")
            return nil
        }
        var shorter = frame
        while excess(of: shorter) != nil, !response.records.isEmpty {
            response.records.removeLast()
            shorter.body = response.frame().body
        }
        return shorter
    }

    /// Frames for the link that takes over, until it may be used.
    private var unsent: [Frame] = []
    private var unsentBytes = 0

    private func sendUnsent() {
        guard let session else { return }
        for frame in unsent { session.send(frame) }
        unsent = []
        unsentBytes = 0
        watchSendBuffer()
    }

    /// Whether a frame fits into the send buffer now.
    func hasRoom(for size: Int) -> Bool {
        let waiting = unsentBytes + (session?.waitingBytes ?? 0)
        return waiting == 0 || waiting + size <= limits.send.buffer
    }

    /// Sends a frame once there is room for it; fails when there is none in time.
    func sendWaiting(_ frame: Frame, _ completion: @escaping (RequestError?) -> Void) {
        if isOver { return completion(.disconnected(cause ?? .broken("closed"))) }
        if let error = excess(of: frame) { return completion(error) }
        if roomWaiters.isEmpty, hasRoom(for: frame.encodedSize) {
            send(frame)
            return completion(nil)
        }
        let deadline = node.environment.now() + TimeAmount(limits.send.wait)
        roomWaiters.append(RoomWaiter(frame: frame, deadline: deadline, completion: completion))
        look(at: deadline)
        noteFull()
    }

    private struct RoomWaiter {
        let frame: Frame
        let deadline: NIODeadline
        let completion: (RequestError?) -> Void
    }

    private func watchSendBuffer() {
        guard let session, session.waitingBytes > limits.send.buffer else { return }
        setHold(.sendBuffer, true)
        noteFull()
    }

    /// The buffer is full from now on, until something goes out.
    private func noteFull() {
        guard fullSince == nil else { return }
        node.note(.sendBuffer)
        let now = node.environment.now()
        fullSince = now
        look(at: now + TimeAmount(limits.send.full))
    }

    func sessionDidFlush(_ session: SessionLink) {
        guard fullSince != nil, session === self.session, session.waitingBytes <= limits.send.buffer else { return }
        fullSince = nil
        setHold(.sendBuffer, false)
        while let first = roomWaiters.first, hasRoom(for: first.frame.encodedSize) {
            roomWaiters.removeFirst()
            if first.frame.flags.isDisjoint(with: [.request, .needsAck]) || requests.awaits(first.frame.nonce) {
                send(first.frame)
            }
            first.completion(nil)
        }
        if !roomWaiters.isEmpty { noteFull() }
    }

    func sessionDidDrain(_ session: SessionLink) { stream?.streamCanSend() }

    /// Sends a frame that waits for a reply or an ack.
    func send(_ frame: Frame, wantsReply: Bool, within limit: Duration, _ waiter: RequestTable.Waiter) {
        guard !isOver else {
            return settle(waiter, .failed(.disconnected(cause ?? .broken("closed"))))
        }
        guard requests.count < limits.send.requests else {
            node.note(.requests)
            return settle(waiter, .failed(.tooManyOutstanding(limit: limits.send.requests)))
        }
        if let error = excess(of: frame) { return settle(waiter, .failed(error)) }
        var frame = frame
        frame.nonce = requests.nextNonce()
        frame.flags.insert(wantsReply ? .request : .needsAck)
        let now = node.environment.now()
        requests.add(frame.nonce, wantsReply: wantsReply, within: limit, now: now, waiter)
        look(at: now + TimeAmount(limit))
        if roomWaiters.isEmpty, hasRoom(for: frame.encodedSize) { return send(frame) }
        let nonce = frame.nonce
        sendWaiting(frame) { [weak self] error in
            guard let self, let error else { return }
            settle(requests.take(nonce, isReply: wantsReply), .failed(error))
        }
    }

    // MARK: Time

    private func watch() {
        let silence = limits.idle.keepalive.map { min($0, limits.idle.drop) } ?? limits.idle.drop
        if let session { look(at: session.heardAt + TimeAmount(silence)) }
    }

    private func look(at deadline: NIODeadline) {
        alarm.set(at: deadline) { [weak self] in self?.look() }
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
            [weak self] in
            guard let self, let probe = self.probe else { return }
            self.probe = nil
            probe(false)
        }
    }

    /// Misbehaviour that a connection survives.
    private static let patience = 16

    /// The peer did something that it should not have done; enough of that ends the connection.
    func penalise(_ text: String) {
        penalties += 1
        if penalties >= Self.patience { fail(.protocolError, text) }
    }

    // MARK: Ending

    /// Why it is over.
    private(set) var cause: DisconnectCause?

    /// Tells the peer and ends the connection; components hear of it at once.
    func close(_ reason: Disconnect.Reason, _ text: String = "") {
        guard !isOver else { return }
        if let session {
            node.recordFrame(Disconnect(reason, text).frame(), isSent: true, peer: peer)
            session.owner = nil
            sendUnsent()
            session.close(reason, text)
        }
        finish(.local(reason, text))
    }

    /// Ends the connection over something that the peer did.
    func fail(_ reason: Disconnect.Reason, _ text: String) { close(reason, text) }

    /// Ends the connection without a word.
    func abort(_ cause: DisconnectCause) {
        guard !isOver else { return }
        session?.owner = nil
        session?.abort(cause)
        finish(cause)
    }

    private func receiveGoodbye(_ frame: Frame, on session: SessionLink) {
        guard let goodbye = decode(Disconnect.self, frame) else { return }
        guard session === self.session else {
            // The replaced link: its other side has said all that it had to say there.
            return session.retireForGood()
        }
        if goodbye.reason == .duplicateConnection, node.expectsSuccessor(of: self) {
            return awaitSuccessor(of: session)
        }
        session.owner = nil
        session.abort(.remote(goodbye.reason, goodbye.text))
        finish(.remote(goodbye.reason, goodbye.text))
    }

    func session(_ session: SessionLink, didClose end: SessionEnd) {
        if let index = retired.firstIndex(where: { $0 === session }) {
            retired.remove(at: index)
            if retired.isEmpty { setHold(.predecessor, false) }
            if session === predecessor {
                predecessor = nil
                sendUnsent()
                stream?.streamCanSend()
            }
            return
        }
        guard session === self.session else { return }
        switch end {
        case .handshake(let error): finish(.broken("\(error)"))
        case .disconnected(let cause): finish(cause)
        }
    }

    private func finish(_ cause: DisconnectCause) {
        guard !isOver else { return }
        isOver = true
        self.cause = cause
        alarm.cancel()
        pastBytesOut = bytesOut
        pastBytesIn = bytesIn
        session = nil
        for link in retired { link.abort(cause) }
        retired = []
        predecessor = nil
        unsent = []
        if let probe {
            self.probe = nil
            probe(false)
        }
        for waiter in requests.takeAll() { settle(waiter, .failed(.disconnected(cause))) }
        let waiters = roomWaiters
        roomWaiters = []
        for waiter in waiters { waiter.completion(.disconnected(cause)) }
        let stream = stream
        self.stream = nil
        stream?.streamDidClose(cause)
        inbox.close(cause)
        node.connectionDidEnd(self, cause)
    }

    // MARK: Two links at once

    /// Goes on over another link of the same peer. What waits goes out on the old one, what still comes there is read first.
    func succeed(with successor: SessionLink) {
        guard !isOver else { return successor.abort(.local(.shutdown, "")) }
        let before = session
        session = successor
        successor.owner = self
        if let before {
            pastBytesOut &+= before.bytesOut
            pastBytesIn &+= before.bytesIn
            predecessor = before
            retire(before)
        } else {
            if !holds.isEmpty { successor.setHeld(true) }
            sendUnsent()
        }
        watch()
        sessionDidFlush(successor)
        stream?.streamCanSend()
    }

    /// Keeps the present link; another one of the same peer is read to its end and closed.
    func retire(_ other: SessionLink) {
        other.owner = self
        retired.append(other)
        other.setHeld(false)
        setHold(.predecessor, true)
        if let session, !holds.isEmpty { session.setHeld(true) }
        other.retire()
    }

    /// The peer gave up this link for another one, whose handshake is under way.
    private func awaitSuccessor(of link: SessionLink) {
        session = nil
        pastBytesOut &+= link.bytesOut
        pastBytesIn &+= link.bytesIn
        link.owner = nil
        link.retire()
        link.retireForGood()
        let limit = limits.connections.farewell
        node.environment.loop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { [weak self] in
            guard let self, self.session == nil else { return }
            self.finish(.remote(.duplicateConnection, "no other connection came within \(limit)"))
        }
    }
}

/// How long it took to make a connection.
struct ConnectionTiming {
    /// From the first packet to the link; zero where the other side dialled.
    var connect: Duration
    /// From the link to the session.
    var handshake: Duration
}
