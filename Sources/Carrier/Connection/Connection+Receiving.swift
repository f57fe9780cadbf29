internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import Logging
internal import NIOCore

/// What comes from the peer, and who gets it.
extension Connection {
    func sessionDidOpen(_ session: SessionLink) {}

    func sessionWillRead(_ session: SessionLink) { node.tick() }

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
    func decode<M: BuiltInMessage>(_ type: M.Type, _ frame: Frame) -> M? {
        do throws(WireError) {
            return try M(fields: frame.body)
        } catch {
            fail(.protocolError, "\(frame.opcode): \(error)")
            return nil
        }
    }

    /// - Parameter session: what brought the answer, where the peer did.
    func settle(_ waiter: RequestTable.Waiter?, _ answer: Answer, _ session: SessionLink? = nil) {
        switch waiter {
        case .component(let index, let ticket): node.answered(component: index, ticket, by: peer, answer)
        case .call(let body): body(answer)
        case .task(let continuation): continuation.resume(returning: answer)
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
        guard let stream else {
            guard node.configuration.takesByteStreams else { return node.receive(frame, from: self) }
            node.noteReceived(frame.opcode, over: self)
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
}
