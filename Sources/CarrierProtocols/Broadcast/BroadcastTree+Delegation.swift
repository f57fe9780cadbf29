internal import CarrierCrypto
internal import CarrierWire

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
            let wait = reportTimeout ?? configuration.hopTimeout * 2 * (buckets.count + 1)
            let timer = ticket(.reports(delegation.id))
            delegation.reportTimer = timer
            context.perform(.schedule(timer, at: context.now + wait))
        }
        for bucket in buckets where hasOthers(bucket, delegation, context) {
            for copy in 0..<max(1, redundancy) {
                delegation.branches.append(Delegation.Branch(bucket: bucket))
                if give(delegation.branches.count - 1, &delegation, &context) { continue }
                // A bucket with fewer than β nodes is no failure.
                if copy > 0 { delegation.branches.removeLast() }
                break
            }
        }
        delegations[delegation.id] = delegation
        advance(delegation.id, &context)
    }

    /// Whether a bucket has anyone but the origin and the sender.
    private func hasOthers(_ bucket: Int, _ delegation: Delegation, _ context: Context) -> Bool {
        context.contacts.contacts(inBucket: bucket).contains {
            $0.peer != delegation.message.origin && $0.peer != delegation.sender
        }
    }

    /// The next contact to try: connected ones first, for they need no dial; suspects last.
    private func next(_ branch: Delegation.Branch, _ delegation: Delegation, _ context: inout Context) -> Contact? {
        var best: (rank: Int, contacts: [Contact]) = (.max, [])
        for contact in context.contacts.contacts(inBucket: branch.bucket)
        where !delegation.tried.contains(contact.peer) {
            let rank = contact.isSuspect ? 2 : context.peers[contact.peer] == nil ? 1 : 0
            if rank < best.rank { best = (rank, []) }
            if rank == best.rank { best.contacts.append(contact) }
        }
        return best.contacts.randomElement(using: &context.random)
    }

    /// Gives a branch to the next contact of its bucket; false when the bucket is used up, and the branch has failed.
    private mutating func give(_ index: Int, _ delegation: inout Delegation, _ context: inout Context) -> Bool {
        while let contact = next(delegation.branches[index], delegation, &context) {
            delegation.tried.insert(contact.peer)
            guard let destination = context.destination(of: contact) else { continue }
            var message = delegation.message
            message.height = UInt16(clamping: delegation.branches[index].bucket)
            message.hops = message.hops == .max ? .max : message.hops + 1
            delegation.branches[index].delegate = contact.peer
            delegation.branches[index].state = .asking
            let ticket = ticket(.ack(delegation.id, branch: index, contact.peer))
            context.send(message.frame(), to: destination, .ack(ticket, within: configuration.hopTimeout))
            return true
        }
        delegation.branches[index].delegate = nil
        delegation.branches[index].state = .failed
        return false
    }

    mutating func acknowledged(
        _ id: Broadcast.ID, _ index: Int, _ peer: PeerID, _ answer: Answer, _ context: inout Context
    ) {
        if case .failed(let error) = answer, error.blamesPeer {
            context.contacts.failed(peer.nodeID, now: context.now)
        }
        guard var delegation = delegations.removeValue(forKey: id) else { return }
        if delegation.branches[index].delegate == peer, delegation.branches[index].state == .asking {
            if case .failed = answer {
                _ = give(index, &delegation, &context)
            } else {
                delegation.branches[index].state = .acknowledged
            }
        }
        delegations[id] = delegation
        advance(id, &context)
    }

    /// A delegate is gone before it has reported: the next one takes over.
    mutating func lost(_ peer: PeerID, _ context: inout Context) {
        for id in Array(delegations.keys) {
            guard var delegation = delegations[id], let index = delegation.branch(of: peer),
                delegation.branches[index].state == .acknowledged
            else { continue }
            _ = give(index, &delegation, &context)
            delegations[id] = delegation
            advance(id, &context)
        }
    }

    mutating func report(_ report: BroadcastReport, _ peer: PeerID, _ context: inout Context) {
        guard delegations[report.id] != nil else { return }
        delegations[report.id]?.add(report, from: peer)
        advance(report.id, &context)
    }

    /// Tells the application that the message has left, and closes what has nothing to wait for.
    private mutating func advance(_ id: Broadcast.ID, _ context: inout Context) {
        guard let delegation = delegations[id], !delegation.isAsking else { return }
        if !delegation.isSettled {
            delegations[id]?.isSettled = true
            tellSent(delegation, &context)
        }
        if !delegation.isWaitingForReports { close(id, &context) }
    }

    private func tellSent(_ delegation: Delegation, _ context: inout Context) {
        guard let ticket = delegation.ticket else { return }
        context.perform(
            .deliver(
                BroadcastSent(
                    ticket: ticket, id: delegation.id, asked: delegation.branches.count,
                    acknowledged: delegation.acknowledged, delegates: delegation.delegates)))
    }

    /// Reports what is known, and forgets the delegation.
    mutating func close(_ id: Broadcast.ID, _ context: inout Context) {
        guard let delegation = delegations.removeValue(forKey: id) else { return }
        if let timer = delegation.reportTimer, pending.removeValue(forKey: timer) != nil {
            context.perform(.cancel(timer))
        }
        if !delegation.isSettled { tellSent(delegation, &context) }
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
                        isComplete: !delegation.isAsking && !delegation.isWaitingForReports,
                        elapsed: context.now - delegation.began)))
        }
    }
}

extension RequestError {
    /// Whether the far side is at fault, not a limit of our own.
    var blamesPeer: Bool {
        switch self {
        case .timeout, .disconnected, .unreachable: true
        case .tooManyOutstanding, .sendBufferFull, .datagramTooLarge, .cancelled: false
        }
    }
}
