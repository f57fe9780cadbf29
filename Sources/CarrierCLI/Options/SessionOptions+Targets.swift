import Carrier
import CarrierWire

extension SessionOptions {
    /// The bootstrap peers for a command that is nothing without them.
    func neededBootstrapPeers() throws -> [Address] {
        let bootstrap = try bootstrapPeers()
        guard !bootstrap.isEmpty else {
            throw Failure(
                .unreachable,
                "expected a bootstrap peer, got none; name one with --bootstrap ADDR, $CARRIER_BOOTSTRAP or the file carrier/bootstrap beside the identity"
            )
        }
        return bootstrap
    }

    /// The bootstrap peers for dialling the targets: none where each says itself where it is.
    func bootstrapPeers(for targets: [DialTarget]) throws -> [Address] {
        targets.contains(where: \.isPeer) ? try neededBootstrapPeers() : []
    }

    /// Where a target can be dialled, best first; a peer is looked up.
    ///
    /// - Parameter needsStream: whether datagrams will not do.
    func addresses(of target: DialTarget, _ node: Node, needsStream: Bool = false) async throws -> [Address] {
        switch target {
        case .address(let address): return [address]
        case .peer(let peer):
            try await node.joined()
            let found = try await node.lookup(peer.nodeID).addresses.map(\.address)
            let usable = found.filter { !needsStream || $0.scheme != .udp }
            guard !usable.isEmpty else {
                throw Failure(
                    .unreachable, target: "\(peer)",
                    "not found in the overlay; see carrier lookup --trace \(peer.short)…")
            }
            return usable
        }
    }
}
