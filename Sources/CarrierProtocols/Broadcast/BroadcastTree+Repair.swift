internal import CarrierCrypto
internal import CarrierWire
internal import DequeModule
internal import NIOCore

extension BroadcastTree {
    /// A message that is announced in the next rounds.
    struct Announcement {
        let id: Broadcast.ID
        var rounds: Int
    }

    /// There is a new message: it is announced in the next rounds.
    mutating func announce(_ id: Broadcast.ID, _ context: inout Context) {
        guard configuration.digestRounds > 0 else { return }
        if announcements.isEmpty {
            context.perform(.schedule(ticket(.digest), at: context.now + configuration.digestInterval))
        }
        // More than are remembered are of no use: the oldest of them has been forgotten.
        if announcements.count >= max(1, configuration.idLimit) { announcements.removeFirst() }
        announcements.append(Announcement(id: id, rounds: configuration.digestRounds))
    }

    /// Tells a few contacts which messages are here: as many as a round has room for, those that have waited longest first.
    mutating func sendDigests(_ context: inout Context) {
        seen.forget(context.now)
        let frames = nextDigests(context.now)
        if !frames.isEmpty {
            for contact in digestContacts(&context) {
                guard let destination = context.destination(of: contact) else { continue }
                for frame in frames { context.send(frame, to: destination) }
            }
        }
        guard !announcements.isEmpty else { return }
        context.perform(.schedule(ticket(.digest), at: context.now + configuration.digestInterval))
    }

    /// All but one are connected, where that many are: they need no dial. The last may be anybody, so that news also gets from
    /// some who are connected with each other to all others.
    private func digestContacts(_ context: inout Context) -> [Contact] {
        let peers = context.peers
        let number = configuration.digestContacts
        var chosen = context.contacts.random(number - 1, using: &context.random) { peers[$0.peer] != nil }
        for contact in context.contacts.random(number, using: &context.random)
        where chosen.count < number && !chosen.contains(where: { $0.nodeID == contact.nodeID }) {
            chosen.append(contact)
        }
        return chosen
    }

    /// Takes the announcements of a round; those that have rounds left go to the end.
    private mutating func nextDigests(_ now: Instant) -> [Frame] {
        let start = Instant(
            nanoseconds: now.nanoseconds.subtractingReportingOverflow(configuration.digestAge.nanoseconds).partialValue)
        let room = max(1, configuration.digestsAtOnce) * BroadcastDigest.idLimit
        var ids: [Broadcast.ID] = []
        var left = announcements.count
        while left > 0, ids.count < room, var next = announcements.popFirst() {
            left -= 1
            guard seen.holds(next.id, since: start) else { continue }
            ids.append(next.id)
            next.rounds -= 1
            if next.rounds > 0 { announcements.append(next) }
        }
        return stride(from: 0, to: ids.count, by: BroadcastDigest.idLimit).map {
            BroadcastDigest(ids: Array(ids[$0..<min($0 + BroadcastDigest.idLimit, ids.count)])).frame()
        }
    }

    /// Asks for the messages that a peer has and we lack.
    mutating func digest(_ digest: BroadcastDigest, _ peer: PeerID, _ context: inout Context) {
        guard digestLimits.take(peer, now: context.now) else { return }
        let missing = digest.ids.filter { !seen.contains($0) && wanted.announced($0, by: peer, now: context.now) }
        ask(peer, for: missing, &context)
        watchWants(&context)
    }

    /// Who was asked has had its time: others are asked.
    mutating func askOthers(_ context: inout Context) {
        isWatchingWants = false
        var missing: [PeerID: [Broadcast.ID]] = [:]
        for (id, peer) in wanted.turns(context.now) { missing[peer, default: []].append(id) }
        for (peer, ids) in missing { ask(peer, for: ids, &context) }
        watchWants(&context)
    }

    private func ask(_ peer: PeerID, for ids: [Broadcast.ID], _ context: inout Context) {
        for start in stride(from: 0, to: ids.count, by: BroadcastDigest.idLimit) {
            let want = BroadcastWant(ids: Array(ids[start..<min(start + BroadcastDigest.idLimit, ids.count)]))
            context.send(want.frame(), to: Destination(peer))
        }
    }

    private mutating func watchWants(_ context: inout Context) {
        guard !isWatchingWants, let due = wanted.due else { return }
        isWatchingWants = true
        context.perform(.schedule(ticket(.wants), at: max(due, context.now)))
    }

    /// Sends what a peer lacks, with height 0: it is for that peer alone.
    mutating func want(_ want: BroadcastWant, _ peer: PeerID, _ context: inout Context) {
        for id in want.ids {
            guard let body = seen.body(id) else { continue }
            // A want is small and its answer may be large: what one peer can draw is bounded.
            guard repairLimits.take(peer, cost: Double(body.readableBytes + Frame.headerSize), now: context.now)
            else { return }
            context.send(Frame(.broadcast, body: body), to: Destination(peer))
        }
    }
}
