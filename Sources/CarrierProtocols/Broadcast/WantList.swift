internal import CarrierCrypto
internal import CarrierWire
internal import DequeModule

/// The messages that others have announced and we lack: whom each was asked of, and who is asked next. Bounded in messages,
/// and in messages for each peer.
///
/// A peer that is asked has a while to send the message; then it is the turn of the next one that has announced it.
struct WantList: Sendable {
    private struct Want {
        /// Who has announced it, in order; the last one asked stands at `turn`.
        var announcers: [PeerID]
        var turn = 0
        var asked: Instant
        var debtor: PeerID { announcers[turn] }
    }

    private let limit: Int
    private let peerLimit: Int
    private let tries: Int
    private let patience: Duration
    private var wants: [Broadcast.ID: Want] = [:]
    /// When each was asked for; patience is the same for all, so the first runs out first.
    private var order: Deque<(id: Broadcast.ID, asked: Instant)> = []
    /// How many messages each peer owes.
    private var debts: [PeerID: Int] = [:]

    init(_ configuration: BroadcastConfiguration) {
        limit = configuration.wantLimit
        peerLimit = configuration.peerWantLimit
        tries = max(1, configuration.wantTries)
        patience = configuration.digestInterval
    }

    /// A peer has a message that we lack. Whether to ask it now; otherwise somebody else has been asked, or it is too much.
    mutating func announced(_ id: Broadcast.ID, by peer: PeerID, now: Instant) -> Bool {
        if let want = wants[id] {
            if want.announcers.count < tries, !want.announcers.contains(peer) {
                wants[id]?.announcers.append(peer)
            }
            return false
        }
        guard wants.count < limit, debts[peer, default: 0] < peerLimit else { return false }
        wants[id] = Want(announcers: [peer], asked: now)
        owe(id, peer, now)
        return true
    }

    /// The message is here.
    mutating func arrived(_ id: Broadcast.ID) {
        if let want = wants.removeValue(forKey: id) { settle(want.debtor) }
    }

    /// When the next answer is overdue; nil: none is waited for.
    var due: Instant? { order.first.map { $0.asked + patience } }

    /// Gives up on those who were asked and have not answered, and says whom to ask now.
    mutating func turns(_ now: Instant) -> [(id: Broadcast.ID, peer: PeerID)] {
        var turns: [(id: Broadcast.ID, peer: PeerID)] = []
        while let due, due <= now, let (id, asked) = order.popFirst() {
            // It has come, or come and been asked for again, in the meantime.
            guard var want = wants[id], want.asked == asked else { continue }
            settle(want.debtor)
            repeat {
                want.turn += 1
            } while want.turn < want.announcers.count
                && debts[want.debtor, default: 0] >= peerLimit
            guard want.turn < want.announcers.count else {
                wants[id] = nil
                continue
            }
            want.asked = now
            wants[id] = want
            owe(id, want.debtor, now)
            turns.append((id, want.debtor))
        }
        return turns
    }

    private mutating func owe(_ id: Broadcast.ID, _ peer: PeerID, _ now: Instant) {
        debts[peer, default: 0] += 1
        order.append((id, now))
    }

    private mutating func settle(_ peer: PeerID) {
        guard let debt = debts[peer] else { return }
        debts[peer] = debt > 1 ? debt - 1 : nil
    }
}
