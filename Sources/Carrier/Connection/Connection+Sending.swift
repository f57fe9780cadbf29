internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import Logging
internal import NIOCore

/// A frame that waits for room in the send buffer.
struct RoomWaiter {
    let number: UInt64
    let frame: Frame
    let deadline: NIODeadline
    let completion: (RequestError?) -> Void
}

/// What goes to the peer, and what waits for room or for an answer.
extension Connection {
    /// Whether bytes given now go out now.
    var isWritable: Bool { predecessor == nil && (session?.isWritable ?? false) }

    /// Sends what waits, then says whether bytes given now go out now. Who is told no is called when they do: that comes from
    /// the link, so nothing may wait here that the link would take.
    func makesWay() -> Bool {
        if predecessor == nil, let session, session.waitingBytes > 0 { session.flush() }
        return isWritable
    }

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
        session.goAhead()
    }

    /// Sends a message if it can go the short way: encoded straight into what waits to be sealed, with nothing allocated.
    ///
    /// - Returns: false when it must become a frame first: there is no room, or others than the link want to see it.
    func sendInPlace(_ message: some Message, _ opcode: Opcode, _ flags: Frame.Flags, nonce: UInt32) throws -> Bool {
        guard !isOver, predecessor == nil, roomWaiters.isEmpty, node.configuration.recorder == nil, let session,
            session.link.frameLimit == nil
        else { return false }
        return try session.send(message, opcode, flags, nonce: nonce, buffer: limits.send.buffer)
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

    func sendUnsent() {
        guard let session else { return }
        for frame in unsent { session.send(frame) }
        unsent = []
        unsentBytes = 0
        watchSendBuffer()
    }

    // MARK: Room

    /// Whether a frame fits into the send buffer now.
    func hasRoom(for size: Int) -> Bool {
        let waiting = unsentBytes + (session?.waitingBytes ?? 0)
        return waiting == 0 || waiting + size <= limits.send.buffer
    }

    /// Sends a frame if nobody has to wait for that; whether it did.
    func sendAtOnce(_ frame: Frame) -> Bool {
        guard !isOver, roomWaiters.isEmpty, excess(of: frame) == nil, hasRoom(for: frame.encodedSize) else {
            return false
        }
        send(frame)
        return true
    }

    /// Sends a frame once there is room for it; fails when there is none in time.
    ///
    /// - Returns: a number with which to give up waiting; nil when it is done.
    @discardableResult
    func sendWaiting(_ frame: Frame, _ completion: @escaping (RequestError?) -> Void) -> UInt64? {
        if sendAtOnce(frame) {
            completion(nil)
            return nil
        }
        if let error = isOver ? .disconnected(cause ?? .broken("closed")) : excess(of: frame) {
            completion(error)
            return nil
        }
        let deadline = node.environment.now() + TimeAmount(limits.send.wait)
        lastRoomWaiter += 1
        roomWaiters.append(
            RoomWaiter(number: lastRoomWaiter, frame: frame, deadline: deadline, completion: completion))
        look(at: deadline)
        noteFull()
        return lastRoomWaiter
    }

    /// Waits no longer for room.
    func giveUpWaiting(_ number: UInt64) {
        guard let index = roomWaiters.firstIndex(where: { $0.number == number }) else { return }
        roomWaiters.remove(at: index).completion(.cancelled)
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

    // MARK: Answers

    /// Sends a frame that waits for a reply or an ack.
    ///
    /// - Parameter nonce: of `requests.nextNonce`; nil for the next one.
    func send(
        _ frame: Frame, wantsReply: Bool, within limit: Duration, nonce: UInt32? = nil, _ waiter: RequestTable.Waiter
    ) {
        if let error = refusal ?? excess(of: frame) { return settle(waiter, .failed(error)) }
        var frame = frame
        frame.nonce = nonce ?? requests.nextNonce()
        frame.flags.insert(wantsReply ? .request : .needsAck)
        expect(frame.nonce, wantsReply: wantsReply, within: limit, waiter)
        if sendAtOnce(frame) { return }
        let nonce = frame.nonce
        sendWaiting(frame) { [self] error in
            guard let error else { return }
            settle(requests.take(nonce, isReply: wantsReply), .failed(error))
        }
    }

    /// Sends a message that waits for a reply or an ack.
    ///
    /// - Throws: what its encoder throws; nobody waits then.
    func send(
        _ message: some Message, as opcode: Opcode, wantsReply: Bool, within limit: Duration, nonce: UInt32,
        _ waiter: RequestTable.Waiter
    ) throws {
        if let error = refusal { return settle(waiter, .failed(error)) }
        if try sendInPlace(message, opcode, wantsReply ? .request : .needsAck, nonce: nonce) {
            expect(nonce, wantsReply: wantsReply, within: limit, waiter)
            session?.goAhead()
            return
        }
        let frame = Frame(opcode, codec: type(of: message).codec, body: try message.body())
        send(frame, wantsReply: wantsReply, within: limit, nonce: nonce, waiter)
    }

    /// Why no answer can be waited for now.
    private var refusal: RequestError? {
        if isOver { return .disconnected(cause ?? .broken("closed")) }
        guard requests.count >= limits.send.requests else { return nil }
        node.note(.requests)
        return .tooManyOutstanding(limit: limits.send.requests)
    }

    private func expect(_ nonce: UInt32, wantsReply: Bool, within limit: Duration, _ waiter: RequestTable.Waiter) {
        let deadline = node.environment.now() + TimeAmount(limit)
        requests.add(nonce, wantsReply: wantsReply, within: limit, until: deadline, waiter)
        look(at: deadline)
    }

    /// Waits no longer for an answer; a late one means nothing.
    func giveUp(_ nonce: UInt32) {
        if let waiter = requests.giveUp(nonce) { settle(waiter, .failed(.cancelled)) }
    }
}
