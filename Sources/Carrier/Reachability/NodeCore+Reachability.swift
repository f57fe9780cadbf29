internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

extension NodeCore {
    /// How long after a question its answer may still dial: what a dial and a handshake may take, and a little.
    private static let callbackTime: TimeAmount = .seconds(30)

    /// A peer has been asked to dial this node: the session that comes of it does not take the place of the one that stands.
    func expectCallback(of peer: PeerID) {
        callbacks = callbacks.filter { $0.value > loop.now }
        callbacks[peer] = loop.now + Self.callbackTime
    }

    /// Whether a session that this peer opens beside the one that stands is there because it was asked for.
    func isCallback(_ peer: PeerID) -> Bool { callbacks[peer].map { $0 > loop.now } ?? false }

    /// Shakes hands with whom an address is pinned to, beside any connection that stands, and ends that at once.
    func check(_ address: Address, completion: @escaping (Result<PeerInfo, DialError>) -> Void) {
        dial([address], aside: true) { result in
            completion(
                result.map { connection in
                    connection.close(.shutdown, "only a check")
                    return connection.info
                })
        }
    }
}
