internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import Logging
internal import NIOCore

/// Two links of one peer at once: one goes on, the other is read to its end.
extension Connection {
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
    func awaitSuccessor(of link: SessionLink) {
        session = nil
        pastBytesOut &+= link.bytesOut
        pastBytesIn &+= link.bytesIn
        link.owner = nil
        link.retire()
        link.retireForGood()
        let limit = limits.connections.farewell
        node.environment.loop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { [self] in
            guard session == nil else { return }
            finish(.remote(.duplicateConnection, "no other connection came within \(limit)"))
        }
    }
}
