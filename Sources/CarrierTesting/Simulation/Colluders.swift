internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire

extension SimulatedNetwork {
    /// Makes members of an overlay, whose numbers are those of the nodes, collude: each answers a lookup only with the
    /// colluders nearest to the target.
    public func collude(_ adversaries: [Int], _ overlay: Overlay) {
        var isColluder = [Bool](repeating: false, count: overlay.members.count)
        for index in adversaries { isColluder[index] = true }
        let colluders = isColluder
        let agreement = Agreement()
        for index in adversaries {
            let own = overlay.members[index].verified.peer
            corrupt(index) { request in
                let nearest = agreement.colluders(near: request.target) {
                    overlay.nearest(request.target, 21) { colluders[$0] }.map { overlay.members[$0].verified.record }
                }
                return Array(nearest.lazy.filter { $0.peer != own }.prefix(Int(min(request.count, 20))))
            }
        }
    }

    /// What colluders have agreed on for each target.
    private final class Agreement {
        private var known: [NodeID: [PeerRecord]] = [:]

        func colluders(near target: NodeID, _ find: () -> [PeerRecord]) -> [PeerRecord] {
            if let records = known[target] { return records }
            let records = find()
            known[target] = records
            return records
        }
    }
}
