internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// Connections that no application has a use for: components make them as they need them, so they may end for others.
extension NodeCore {
    var spareCount: Int { connections.values.count { $0.info.isOutbound && $0.isSpare } }

    /// A component's message goes over a connection.
    func noteSent(_ opcode: Opcode, over connection: Connection) {
        connection.usedAt = environment.now()
        if opcode.isApplication { connection.isSpare = false }
    }

    /// A message came over a connection. Who was dialled for a lookup cannot keep the place for ever by sending something.
    func noteReceived(_ opcode: Opcode, over connection: Connection) {
        connection.usedAt = environment.now()
        if opcode.isApplication || opcode == .bytes, !connection.info.isOutbound { connection.isSpare = false }
    }

    /// What becomes of a connection that was dialled, or stood already.
    func keep(_ connection: Connection, asSpare isSpare: Bool) {
        guard isSpare else {
            connection.isSpare = false
            return
        }
        while spareCount > configuration.limits.connections.spare,
            let oldest = longestWithoutUse(outboundSpare.filter({ $0 !== connection }))
        {
            end(oldest, .spare)
        }
    }

    /// No dial is possible: the spare connection that is longest without use goes for the next one.
    ///
    /// - Returns: whether there was any.
    func makesRoomOutbound() -> Bool {
        guard let oldest = longestWithoutUse(outboundSpare) else { return false }
        end(oldest, .spare)
        return true
    }

    /// All inbound places are taken: of the younger half, the spare one that is longest without use goes for a newcomer. The
    /// older half stays, so that who comes in numbers drives out nobody who was there before; and a client, which nobody
    /// could drive out in its turn, drives out nobody.
    ///
    /// - Returns: whether there was any.
    func makesRoom(for newcomer: PeerInfo) -> Bool {
        if newcomer.record.addresses.isEmpty { return false }
        let limits = configuration.limits.connections
        let inbound = connections.values.filter { !$0.info.isOutbound }.sorted { $0.openedAt < $1.openedAt }
        let rested = environment.now() - TimeAmount(limits.rest)
        let candidates = inbound.dropFirst((limits.inbound + 1) / 2).filter { $0.isSpare && $0.usedAt <= rested }
        guard let oldest = longestWithoutUse(candidates) else { return false }
        end(oldest, .rest)
        return true
    }

    private var outboundSpare: [Connection] { connections.values.filter { $0.info.isOutbound && $0.isSpare } }

    private func longestWithoutUse(_ connections: [Connection]) -> Connection? {
        // Nobody waits for an answer over it.
        connections.filter { $0.outstanding == 0 }.min { $0.usedAt < $1.usedAt }
    }

    private func end(_ connection: Connection, _ limit: LimitUse.Name) {
        note(limit)
        connection.close(.tooManyConnections, "it was without use, and makes room for another")
    }
}
