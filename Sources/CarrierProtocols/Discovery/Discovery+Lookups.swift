public import CarrierCrypto
internal import CarrierWire
internal import Logging

extension Discovery {
    /// Looks for a node, or for the nodes nearest to a place; the result comes as `LookupFinished` with this ticket.
    ///
    /// With nobody to ask, that is at once and empty.
    public mutating func lookup(
        _ target: NodeID, _ options: LookupOptions = LookupOptions(), _ context: inout Context
    ) -> Ticket {
        begin(target, options, .application, &context)
    }

    @discardableResult
    mutating func begin(
        _ target: NodeID, _ options: LookupOptions, _ purpose: Purpose, _ context: inout Context
    ) -> Ticket {
        if let bucket = context.contacts.own.bucket(of: target) { refreshed[bucket] = context.now }
        var lookup = Lookup(
            target, options, own: context.own.peer, starts: starts(target, options, context), now: context.now)
        if active.count >= configuration.lookupLimit, purpose == .application {
            context.reached(.lookups)
            context.log(.warning, "lookup refused: \(active.count) are running")
            lookup.expire()
        }
        // The deadline's ticket also names the lookup.
        let ticket = ticket(.upkeep)
        pending[ticket] = .deadline(lookup: ticket)
        context.perform(.schedule(ticket, at: lookup.deadline))
        active[ticket] = Active(lookup: lookup, purpose: purpose, deadline: ticket)
        advance(ticket, &context)
        return ticket
    }

    private func starts(_ target: NodeID, _ options: LookupOptions, _ context: Context) -> [Lookup.Start] {
        if let via = options.via {
            guard let info = context.peers[via] else { return [] }
            return [Lookup.Start(VerifiedRecord(provedBy: info), Reach(linkTo: info.address))]
        }
        let bounded = options.bounded
        // One more than are dealt out: the target itself may be among them.
        return context.contacts.closest(
            to: target, count: max(bounded.k, bounded.paths) + 1, includingSuspects: true
        ).map(Lookup.Start.init)
    }

    /// Sends what the lookup wants to ask now, and closes it when it has ended.
    private mutating func advance(_ id: Ticket, _ context: inout Context) {
        while var entry = active.removeValue(forKey: id) {
            let queries = entry.lookup.next()
            var isStuck = false
            for query in queries where !ask(query, id, &entry, &context) {
                entry.lookup.failed(query.node.peer)
                isStuck = true
            }
            active[id] = entry
            if entry.lookup.isFinished { return finish(id, &context) }
            // What could not be sent makes room for the next ones.
            if !isStuck { return }
        }
    }

    /// Sends one query; false when there is nowhere to send it.
    private mutating func ask(
        _ query: Lookup.Query, _ id: Ticket, _ entry: inout Active, _ context: inout Context
    ) -> Bool {
        trace(id, entry.lookup.options, query.path, query.hop, &context) {
            .query(to: query.node.peer, distanceBits: query.distanceBits, namedBy: query.namedBy)
        }
        guard let destination = context.destination(of: query.node, toldAt: query.reach) else {
            trace(id, entry.lookup.options, query.path, query.hop, &context) {
                .failure(of: query.node.peer, .unreachable("no address that may be dialled now"))
            }
            return false
        }
        let options = entry.lookup.options
        let request = LookupNodeRequest(target: entry.lookup.target, count: UInt8(clamping: options.k))
        let ticket = ticket(.query(lookup: id, path: query.path, hop: query.hop, sent: context.now))
        context.send(request.frame(), to: destination, .reply(ticket, within: options.queryTimeout))
        return true
    }

    mutating func queryEnded(
        _ id: Ticket, _ path: Int, _ hop: Int, _ roundTrip: Duration, _ peer: PeerID, _ answer: Answer,
        _ context: inout Context
    ) {
        // No copy of the lookup is held here: changing it would copy all that it knows.
        guard active[id]?.verifying == nil, let options = active[id]?.lookup.options,
            let target = active[id]?.lookup.target
        else {
            // The lookup is over, but who answers late still answers.
            noteLate(peer, answer, &context)
            return
        }
        let node = active[id]?.lookup.asked(peer)
        let reach = reach(of: peer, otherwise: node?.reach ?? .internet, context)
        switch read(answer, peer, &context) {
        case .success(let records):
            let clean = clean(records, count: options.k, from: peer, reach, &context)
            trace(id, options, path, hop, &context) {
                .response(
                    from: peer, roundTrip: roundTrip, peers: clean.count,
                    namesTarget: clean.contains { $0.nodeID == target })
            }
            if let node { observe(node.node, .answered, node.reach, &context) }
            consider(clean, reach, &context)
            active[id]?.lookup.answered(peer, clean, reach: reach)
        case .failure(let error):
            trace(id, options, path, hop, &context) { .failure(of: peer, error) }
            context.failed(peer.nodeID, by: error)
            if case .timeout = error { context.reached(.lookupQuery) }
            active[id]?.lookup.failed(peer)
        }
        advance(id, &context)
    }

    private mutating func noteLate(_ peer: PeerID, _ answer: Answer, _ context: inout Context) {
        if case .failed(let error) = answer { context.failed(peer.nodeID, by: error) }
    }

    /// The records of an answer as they came, without those that are too many.
    mutating func read(
        _ answer: Answer, _ peer: PeerID, _ context: inout Context
    ) -> Result<[PeerRecord], RequestError> {
        switch answer {
        case .failed(let error): return .failure(error)
        case .acknowledged: return .failure(.unreachable("an ack in place of a reply"))
        case .reply(let frame):
            do {
                guard frame.opcode == .lookupNodeResponse else {
                    throw WireError(
                        "opcode", at: 4, .unexpected(expected: "lookup-node-response", got: "\(frame.opcode)"))
                }
                var leftOut = 0
                let response = try LookupNodeResponse(cutting: frame.body, leftOut: &leftOut)
                if leftOut > 0 { context.perform(.penalise(peer, "told \(leftOut) records more than an answer may")) }
                return .success(response.records)
            } catch {
                context.perform(.disconnect(peer, .protocolError, "lookup answer: \(error)"))
                return .failure(.unreachable("\(error)"))
            }
        }
    }

    mutating func lookupExpired(_ id: Ticket, _ context: inout Context) {
        guard active[id] != nil else { return }
        if active[id]?.verifying != nil { return deliver(id, &context) }
        context.reached(.lookup)
        active[id]?.lookup.expire()
        finish(id, &context)
    }

    /// The lookup has ended: verify what was found, or tell.
    private mutating func finish(_ id: Ticket, _ context: inout Context) {
        guard let entry = active[id] else { return }
        let result = entry.lookup.result(now: context.now)
        let isExpired = context.now >= entry.lookup.deadline
        // What a peer tells must not make us hammer a victim, here as anywhere.
        let addresses =
            entry.lookup.options.verifies && !isExpired
            ? result.addresses.map(\.address).filter { context.dials.allows($0, now: context.now) } : []
        active[id]?.verifying = (result, addresses.count)
        for address in addresses {
            context.perform(.dial(address, isSpare: true, ticket: ticket(.verification(lookup: id, address))))
        }
        if addresses.isEmpty { deliver(id, &context) }
    }

    mutating func verified(
        _ id: Ticket, _ address: Address, _ outcome: Result<PeerInfo, RequestError>, _ context: inout Context
    ) {
        guard var verifying = active[id]?.verifying else { return }
        switch outcome {
        case .success(let info): verifying.result.verdicts[address] = info.peer == address.peer
        case .failure(let error) where error.blamesPeer: verifying.result.verdicts[address] = false
        case .failure: break
        }
        verifying.open -= 1
        active[id]?.verifying = verifying
        if verifying.open == 0 { deliver(id, &context) }
    }

    private mutating func deliver(_ id: Ticket, _ context: inout Context) {
        guard let entry = active.removeValue(forKey: id) else { return }
        pending[entry.deadline] = nil
        context.perform(.cancel(entry.deadline))
        let result = entry.verifying?.result ?? entry.lookup.result(now: context.now)
        switch entry.purpose {
        case .application: context.perform(.deliver(LookupFinished(ticket: id, result: result)))
        case .join, .refresh: joinLookupEnded(entry.purpose, &context)
        }
    }

    private func trace(
        _ id: Ticket, _ options: LookupOptions, _ path: Int, _ hop: Int, _ context: inout Context,
        _ event: () -> LookupTraced.Event
    ) {
        guard options.isTraced else { return }
        context.perform(.deliver(LookupTraced(ticket: id, path: path, hop: hop, event: event())))
    }
}
