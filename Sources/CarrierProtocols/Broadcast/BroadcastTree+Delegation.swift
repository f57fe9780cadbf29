internal import CarrierCrypto
internal import CarrierWire
internal import NIOCore

extension BroadcastTree {
    /// Gives each bucket below the height to β of its nodes.
    ///
    /// - Parameter reportTimeout: how long to wait for reports; nil: in proportion to the height.
    mutating func delegate(
        _ delegation: Delegation, height: Int, redundancy: Int, reportTimeout: Duration?, _ context: inout Context
    ) {
        var delegation = delegation
        let buckets = context.contacts.occupiedBuckets(below: height)
        if delegation.message.wantsReport {
            // Each level of the tree waits a little longer than the one below, for the reports to come up in time.
            let wait =
                reportTimeout ?? configuration.hopTimeout * 2 * (buckets.count + 1) + transferTime(delegation.message)
            let timer = ticket(.reports(delegation.id))
            delegation.reportTimer = timer
            context.perform(.schedule(timer, at: context.now + wait))
        }
        for bucket in buckets where hasOthers(bucket, delegation, context) {
            for copy in 0..<max(1, redundancy) {
                delegation.branches.append(bucket)
                if give(delegation.branches.count - 1, &delegation, &context) { continue }
                // A bucket with fewer than β nodes is no failure.
                if copy > 0 { delegation.branches.removeLast() }
                break
            }
        }
        delegations[delegation.id] = delegation
        advance(delegation.id, &context)
    }

    /// How much longer than a small message this one may take for a hop, in whole milliseconds.
    private func transferTime(_ message: Broadcast) -> Duration {
        .milliseconds(message.body.readableBytes * 1000 / max(1, configuration.hopRate))
    }

    /// Whether a bucket has anyone but the origin and the sender.
    private func hasOthers(_ bucket: Int, _ delegation: Delegation, _ context: Context) -> Bool {
        context.contacts.contacts(inBucket: bucket).contains {
            $0.peer != delegation.message.origin && $0.peer != delegation.sender
        }
    }

    /// The next contact to try: connected ones first, for they need no dial; suspects last.
    private func next(_ bucket: Int, _ delegation: Delegation, _ context: inout Context) -> Contact? {
        var best: (rank: Int, contacts: [Contact]) = (.max, [])
        for contact in context.contacts.contacts(inBucket: bucket)
        where !delegation.tried.contains(contact.peer) {
            let rank = contact.isSuspect ? 2 : context.peers[contact.peer] == nil ? 1 : 0
            if rank < best.rank { best = (rank, []) }
            if rank == best.rank { best.contacts.append(contact) }
        }
        return best.contacts.randomElement(using: &context.random)
    }

    /// Gives a branch to the next contact of its bucket; false when the bucket is used up.
    @discardableResult
    private mutating func give(_ branch: Int, _ delegation: inout Delegation, _ context: inout Context) -> Bool {
        let bucket = delegation.branches[branch]
        while let contact = next(bucket, delegation, &context) {
            delegation.tried.insert(contact.peer)
            guard let destination = context.destination(of: contact) else { continue }
            var message = delegation.message
            message.height = UInt16(clamping: bucket)
            message.hops = message.hops == .max ? .max : message.hops + 1
            let ticket = ticket(.ack(delegation.id, delegation: delegation.number, task: delegation.tasks.count))
            delegation.tasks.append(Delegation.Task(branch: branch, peer: contact.peer))
            let within = configuration.hopTimeout + transferTime(message)
            context.send(message.frame(), to: destination, .ack(ticket, within: within))
            return true
        }
        return false
    }

    /// What became of asking a peer. The number tells whether the delegation is the one that asked.
    mutating func acknowledged(
        _ id: Broadcast.ID, _ number: UInt64, _ task: Int, _ peer: PeerID, _ answer: Answer,
        _ context: inout Context
    ) {
        if case .failed(let error) = answer { context.failed(peer.nodeID, by: error) }
        guard var delegation = delegations[id], delegation.number == number,
            delegation.tasks.indices.contains(task), delegation.tasks[task].state == .asking
        else { return }
        // Only one owner while it changes, so that its collections are not copied.
        delegations[id] = nil
        switch answer {
        case .failed(.timeout): replace(task, .silent, &delegation, &context)
        case .failed: replace(task, .failed, &delegation, &context)
        case .acknowledged, .reply: delegation.tasks[task].state = .acknowledged
        }
        delegations[id] = delegation
        advance(id, &context)
    }

    /// A delegate is gone before it has reported: the next one takes over.
    mutating func lost(_ peer: PeerID, _ context: inout Context) {
        for id in Array(delegations.keys) {
            guard var delegation = delegations[id],
                let task = delegation.tasks.firstIndex(where: { $0.peer == peer && $0.state == .acknowledged })
            else { continue }
            replace(task, .failed, &delegation, &context)
            delegations[id] = delegation
            advance(id, &context)
        }
    }

    /// The next contact takes over, unless the branch is in hands.
    private mutating func replace(
        _ task: Int, _ state: Delegation.State, _ delegation: inout Delegation, _ context: inout Context
    ) {
        delegation.tasks[task].state = state
        let branch = delegation.tasks[task].branch
        if !delegation.isInHands(branch) { give(branch, &delegation, &context) }
    }

    mutating func report(_ report: BroadcastReport, _ peer: PeerID, _ context: inout Context) {
        guard delegations[report.id] != nil else { return }
        delegations[report.id]?.add(report, from: peer, limit: configuration.reportLimit)
        advance(report.id, &context)
    }

    /// Tells the application that the message has left, and closes what has nothing to wait for.
    private mutating func advance(_ id: Broadcast.ID, _ context: inout Context) {
        guard let delegation = delegations[id], !delegation.isAsking else { return }
        settle(id, &context)
        if delegation.hasReported || !delegation.isWaitingForReports { close(id, &context) }
    }

    /// The time for reports is over. Who is silent is still replaced.
    mutating func endWait(_ id: Broadcast.ID, _ context: inout Context) {
        sendReport(id, &context)
        advance(id, &context)
    }

    /// Reports what is known, and forgets the delegation.
    mutating func close(_ id: Broadcast.ID, _ context: inout Context) {
        sendReport(id, &context)
        delegations[id] = nil
    }

    private mutating func settle(_ id: Broadcast.ID, _ context: inout Context) {
        guard let delegation = delegations[id], !delegation.isSettled else { return }
        delegations[id]?.isSettled = true
        guard let ticket = delegation.ticket else { return }
        context.perform(
            .deliver(
                BroadcastSent(
                    ticket: ticket, id: delegation.id, asked: delegation.branches.count,
                    acknowledged: delegation.acknowledged, delegates: delegation.delegates)))
    }

    /// Tells whoever wants to know what is known, once.
    private mutating func sendReport(_ id: Broadcast.ID, _ context: inout Context) {
        guard let delegation = delegations[id], !delegation.hasReported else { return }
        delegations[id]?.hasReported = true
        if let timer = delegation.reportTimer, pending.removeValue(forKey: timer) != nil {
            context.perform(.cancel(timer))
        }
        settle(id, &context)
        guard delegation.message.wantsReport else { return }
        if let sender = delegation.sender {
            context.send(delegation.report.frame(), to: Destination(sender))
        } else if let ticket = delegation.ticket {
            let report = delegation.report
            context.perform(
                .deliver(
                    BroadcastReported(
                        ticket: ticket, id: id, asked: delegation.branches.count,
                        acknowledged: delegation.acknowledged, delegates: delegation.delegates,
                        reached: Int(report.reached),
                        duplicates: Int(report.duplicates), depth: Int(report.depth),
                        isComplete: delegation.isComplete,
                        elapsed: context.now - delegation.began)))
        }
    }
}
