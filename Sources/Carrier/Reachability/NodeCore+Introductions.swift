internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

extension NodeCore {
    /// Peers that are told of a new record at once; the others learn of it as they ask and are asked.
    private static let introductions = 32

    /// Tells the members of the overlay that are connected the new word of this node about itself: a handshake carries it, beside
    /// the connection that stands.
    func introduceAnew() {
        let record = environment.record
        guard !isStopping, !record.addresses.isEmpty else { return }
        let members = connections.values.filter { !$0.info.record.addresses.isEmpty }.sorted { $0.peer < $1.peer }
        for connection in members.prefix(Self.introductions) {
            let limits = environment.limits
            // A young connection could be taken for one of two dials at once, of which only one stays.
            let isSafe = connection.currentIsOutbound || !connection.isFresh
            let pause: Duration = isSafe ? .zero : limits.dial.timeout + limits.handshake.deadline
            let peer = connection.peer
            loop.assumeIsolated().scheduleTask(in: TimeAmount(pause)) { [weak self] in
                self?.introduce(record, to: peer)
            }
        }
    }

    private func introduce(_ record: PeerRecord, to peer: PeerID) {
        guard !isStopping, record.sequence == environment.record.sequence, let info = connections[peer]?.info else {
            return
        }
        let told = info.isOutbound ? [info.address] : info.record.dialable(toldAt: Reach(linkTo: info.address))
        let addresses = told.filter { $0.scheme != .udp }
        guard !addresses.isEmpty else { return }
        dial(addresses.map { $0.pinned(to: peer) }, aside: true) { result in
            if case .success(let connection) = result { connection.close(.shutdown, "a new peer record") }
        }
    }
}
