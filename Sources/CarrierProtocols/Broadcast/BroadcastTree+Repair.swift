internal import CarrierCrypto
internal import CarrierWire
internal import NIOCore

extension BroadcastTree {
    /// There is a new message: it is announced in the next rounds.
    mutating func announce(_ context: inout Context) {
        let isRunning = digestsLeft > 0
        digestsLeft = configuration.digestRounds
        guard !isRunning, digestsLeft > 0 else { return }
        context.perform(.schedule(ticket(.digest), at: context.now + configuration.digestInterval))
    }

    /// Tells a few contacts which messages are here.
    mutating func sendDigests(_ context: inout Context) {
        digestsLeft -= 1
        seen.forget(context.now)
        let start = Instant(
            nanoseconds: context.now.nanoseconds.subtractingReportingOverflow(configuration.digestAge.nanoseconds)
                .partialValue)
        let ids = seen.recent(since: start, limit: BroadcastDigest.idLimit)
        forgetWanted(context.now)
        if !ids.isEmpty {
            let frame = BroadcastDigest(ids: ids).frame()
            for contact in context.contacts.random(configuration.digestContacts, using: &context.random) {
                guard let destination = context.destination(of: contact) else { continue }
                context.send(frame, to: destination)
            }
        }
        guard digestsLeft > 0 else { return }
        context.perform(.schedule(ticket(.digest), at: context.now + configuration.digestInterval))
    }

    /// Asks for the messages that a peer has and we lack.
    mutating func digest(_ digest: BroadcastDigest, _ peer: PeerID, _ context: inout Context) {
        guard digestLimits.take(peer, now: context.now) else { return }
        if wanted.count >= configuration.wantLimit { forgetWanted(context.now) }
        var missing: [Broadcast.ID] = []
        for id in digest.ids where !seen.contains(id) {
            if let asked = wanted[id], context.now - asked < configuration.digestInterval { continue }
            guard wanted.count < configuration.wantLimit else { break }
            wanted[id] = context.now
            missing.append(id)
        }
        guard !missing.isEmpty else { return }
        context.send(BroadcastWant(ids: missing).frame(), to: Destination(peer))
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

    private mutating func forgetWanted(_ now: Instant) {
        wanted = wanted.filter { now - $0.value < configuration.digestInterval }
    }
}
