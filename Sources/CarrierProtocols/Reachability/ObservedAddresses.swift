internal import CarrierCrypto
internal import CarrierWire
internal import DequeModule

/// Where peers see this node: one vote a peer, the latest.
struct ObservedAddresses: Sendable {
    /// Votes that count; older ones are forgotten.
    private static let limit = 64
    private var votes: Deque<(peer: PeerID, ip: IPAddress)> = []

    mutating func note(_ ip: IPAddress, by peer: PeerID) {
        votes.removeAll { $0.peer == peer }
        if votes.count >= Self.limit { votes.removeFirst() }
        votes.append((peer, ip))
    }

    /// The addresses that so many different peers agree on, the newest last.
    func confirmed(by count: Int) -> [IPAddress] {
        var found: [IPAddress] = []
        for (_, ip) in votes where !found.contains(ip) {
            if votes.count(where: { $0.ip == ip }) >= count { found.append(ip) }
        }
        return found
    }
}
