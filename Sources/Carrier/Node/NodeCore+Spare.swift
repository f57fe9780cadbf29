internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// Connections that no application has a use for: components make them as they need them, so they may end for others.
extension NodeCore {
    var spareCount: Int { connections.values.count { $0.info.isOutbound && $0.isSpare } }

    /// A message goes over a connection, or came over it.
    func noteUse(of connection: Connection, for opcode: Opcode) {
        if opcode.isApplication || opcode == .bytes {
            connection.isSpare = false
        } else {
            connection.usedAt = environment.now()
        }
    }

    /// What becomes of a connection that was dialled, or stood already.
    func keep(_ connection: Connection, asSpare isSpare: Bool) {
        guard isSpare else {
            connection.isSpare = false
            return
        }
        let excess = spareCount - configuration.limits.connections.spare
        guard excess > 0 else { return }
        for each in longestWithoutUse(outboundSpare.filter { $0 !== connection }).prefix(excess) { end(each, .spare) }
    }

    /// No dial is possible: the spare connection that is longest without use goes for the next one.
    ///
    /// - Returns: whether there was any.
    func makesRoomOutbound() -> Bool {
        guard let oldest = longestWithoutUse(outboundSpare).first else { return false }
        end(oldest, .spare)
        return true
    }

    /// All inbound places are taken: of the younger half, the spare one that is longest without use goes for a newcomer. The
    /// older half stays, so that who comes in numbers drives out nobody who was there before.
    ///
    /// - Returns: whether there was any.
    func makesRoomInbound() -> Bool {
        let limits = configuration.limits.connections
        let inbound = connections.values.filter { !$0.info.isOutbound }.sorted { $0.openedAt < $1.openedAt }
        let rested = environment.now() - TimeAmount(limits.rest)
        let candidates = inbound.dropFirst((limits.inbound + 1) / 2).filter { $0.isSpare && $0.usedAt <= rested }
        guard let oldest = longestWithoutUse(candidates).first else { return false }
        end(oldest, .rest)
        return true
    }

    private var outboundSpare: [Connection] { connections.values.filter { $0.info.isOutbound && $0.isSpare } }

    private func longestWithoutUse(_ connections: [Connection]) -> [Connection] {
        // Nobody waits for an answer over it.
        connections.filter { $0.outstanding == 0 }.sorted { $0.usedAt < $1.usedAt }
    }

    private func end(_ connection: Connection, _ limit: LimitUse.Name) {
        note(limit)
        connection.close(.tooManyConnections, "it was without use, and makes room for another")
    }
}
