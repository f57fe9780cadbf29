internal import CarrierCrypto
internal import CarrierWire

extension Discovery {
    // MARK: Liveness

    /// Asks a contact whether it is there, without waiting for it.
    mutating func check(_ node: NodeID, _ context: inout Context) {
        guard let contact = context.contacts.contact(node) else { return }
        probe(contact.verified, contact.reach, &context)
    }

    /// Asks a peer something, so that it can enter the table once it has answered.
    mutating func probe(_ verified: VerifiedRecord, _ reach: Reach, _ context: inout Context) {
        guard !verified.isClient else { return }
        checks.add(Lookup.Start(verified, reach))
        sendChecks(&context)
    }

    /// Asks those that were told of and that would be our siblings: near us no contact should be missing.
    mutating func consider(_ told: [VerifiedRecord], _ reach: Reach, _ context: inout Context) {
        for verified in told
        where context.contacts.wouldBeSibling(verified.nodeID) && context.contacts.contact(verified.nodeID) == nil
            && !checks.isAbsent(verified, now: context.now)
        {
            probe(verified, reach, &context)
        }
    }

    private mutating func sendChecks(_ context: inout Context) {
        while let start = checks.next(limit: configuration.checksInFlight) {
            guard let destination = context.destination(of: start.node, toldAt: start.reach) else {
                // Held back by the dial limit is no fault of the peer; having no address is.
                if start.node.record.dialable(toldAt: start.reach).isEmpty {
                    context.failed(start.node.nodeID)
                }
                checks.ended(start.node.peer)
                continue
            }
            // Our own neighbourhood is the most useful thing to ask for.
            let request = LookupNodeRequest(
                target: context.contacts.own, count: UInt8(clamping: context.contacts.limits.bucketSize))
            let ticket = ticket(.check(start.node, start.reach))
            context.send(request.frame(), to: destination, .reply(ticket, within: configuration.checkTimeout))
        }
    }

    mutating func checkEnded(
        _ verified: VerifiedRecord, _ reach: Reach, _ answer: Answer, _ context: inout Context
    ) {
        checks.ended(verified.peer)
        switch read(answer, verified.peer, &context) {
        case .success(let records):
            let link = self.reach(of: verified.peer, otherwise: reach, context)
            observe(verified, .answered, reach, &context)
            let count = context.contacts.limits.bucketSize
            consider(clean(records, count: count, from: verified.peer, link, &context), link, &context)
        case .failure(let error):
            context.failed(verified.nodeID, by: error)
            switch answer {
            case .failed(.timeout), .failed(.unreachable): checks.noteAbsent(verified, now: context.now)
            case .failed, .reply, .acknowledged: break
            }
        }
        sendChecks(&context)
        settleIfDone(&context)
    }

    // MARK: Regular work

    mutating func scheduleUpkeep(_ context: inout Context) {
        guard configuration.upkeepInterval > .zero else { return }
        // Up to a tenth sooner or later, so that nodes started together do not stay in step.
        let spread = Double.random(in: 0.9...1.1, using: &context.random)
        let pause = Duration.nanoseconds(Int64(Double(configuration.upkeepInterval.nanoseconds) * spread))
        context.perform(.schedule(ticket(.upkeep), at: context.now + pause))
    }

    mutating func upkeep(_ context: inout Context) {
        scheduleUpkeep(&context)
        if joining.isDue(hasContacts: context.contacts.count > 0) { return beginJoin(&context) }
        checkDoubtful(&context)
        guard joining.isSettled, active.isEmpty else { return }
        if let last = joining.lastSelfLookup, context.now - last >= configuration.selfLookupInterval {
            lookUpSelf(.refresh, &context)
        } else if let bucket = staleBucket(context) {
            refresh(bucket, &context)
        }
    }

    /// Suspects, and the few contacts that were silent for longest: what a node asks in a minute is bounded, so that a network
    /// whose nodes are all slow to answer does not get slower by being asked.
    private mutating func checkDoubtful(_ context: inout Context) {
        var stale: [Contact] = []
        for contact in context.contacts.contacts {
            if contact.isSuspect {
                probe(contact.verified, contact.reach, &context)
            } else if context.peers[contact.peer] == nil,
                context.now - contact.changed >= configuration.staleAfter
            {
                stale.append(contact)
            }
        }
        stale.sort { $0.changed < $1.changed }
        for contact in stale.prefix(configuration.staleChecks) {
            probe(contact.verified, contact.reach, &context)
        }
    }

    private func staleBucket(_ context: Context) -> Int? {
        refreshable(context).first { number in
            guard let last = refreshed[number] else { return true }
            return context.now - last >= configuration.refreshInterval
        }
    }

    /// The buckets that looking ourselves up does not fill: those as far as the farthest sibling and farther.
    func refreshable(_ context: Context) -> [Int] {
        let table = context.contacts
        let nearest =
            if table.siblings.count >= table.limits.siblings, let last = table.siblings.last,
                let number = table.own.bucket(of: last.nodeID)
            { number } else { 252 }
        return (min(nearest, 255)...255).reversed()
    }

    mutating func refresh(_ bucket: Int, _ context: inout Context) {
        var options = configuration.lookup
        options.goal = .closest(options.k)
        options.paths = min(2, options.paths)
        let target = context.contacts.randomID(inBucket: bucket, using: &context.random)
        begin(target, options, .refresh, &context)
    }

    mutating func lookUpSelf(_ purpose: Purpose, _ context: inout Context) {
        joining.lastSelfLookup = context.now
        var options = configuration.lookup
        options.goal = .closest(options.k)
        begin(context.contacts.own, options, purpose, &context)
    }
}
