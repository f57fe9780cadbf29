public import CarrierCrypto
public import CarrierWire

/// Finds peers and is found: keeps the routing table, answers lookups, runs them, joins through bootstrap peers.
///
/// The application calls `lookup` and hears the result as `LookupFinished`; how joining goes as `JoinNotice`.
public struct Discovery: Component {
    public let name = "discovery"
    public let opcodes: [Opcode] = [.lookupNodeRequest]
    let configuration: DiscoveryConfiguration

    /// What a ticket of ours stands for.
    enum Pending {
        case query(lookup: Ticket, path: Int, hop: Int, sent: Instant)
        case check(VerifiedRecord, Reach)
        case bootstrap(Address)
        case verification(lookup: Ticket, Address)
        case deadline(lookup: Ticket)
        case rejoin
        /// Joining has taken long enough.
        case settle
        case upkeep
    }

    /// Why a lookup runs.
    enum Purpose {
        case application
        case join
        case refresh
    }

    struct Active {
        var lookup: Lookup
        let purpose: Purpose
        let deadline: Ticket
        /// Once the lookup is over and its addresses are dialled: the result, and how many dials are out.
        var verifying: (result: LookupResult, open: Int)?
    }

    var pending: [Ticket: Pending] = [:]
    private var lastTicket: UInt64 = 0
    var active: [Ticket: Active] = [:]
    var answerLimits: TokenBuckets<PeerID>
    /// Peers to ask whether they are there, in order, and those that are being asked.
    var checks = CheckQueue()
    var joining = Joining()
    /// When something was last looked up in a bucket.
    var refreshed: [Int: Instant] = [:]

    /// The component; it joins when the node starts.
    public init(_ configuration: DiscoveryConfiguration = DiscoveryConfiguration()) {
        self.configuration = configuration
        answerLimits = TokenBuckets(configuration.answers)
    }

    public func limits(_ context: Context) -> [LimitUse] {
        [
            LimitUse(.dials, context.dials.rate), LimitUse(.lookups, used: active.count, configuration.lookupLimit),
            LimitUse(.lookup, configuration.lookup.timeout), LimitUse(.lookupQuery, configuration.lookup.queryTimeout),
            LimitUse(.lookupsAnswered, configuration.answers),
        ] + context.contacts.limitUses
    }

    mutating func ticket(_ what: Pending) -> Ticket {
        lastTicket &+= 1
        let ticket = Ticket(lastTicket)
        pending[ticket] = what
        return ticket
    }

    // MARK: Events

    public mutating func started(_ context: inout Context) {
        scheduleUpkeep(&context)
        join(&context)
    }

    public mutating func connected(_ peer: PeerInfo, _ context: inout Context) {
        let reach = Reach(linkTo: peer.address)
        let provenance: RoutingTable.Provenance = peer.isOutbound ? .answered : .asked
        let verified = known(peer.record, context) ?? VerifiedRecord(provedBy: peer)
        observe(verified, provenance, reach, &context)
    }

    public mutating func renewed(_ peer: PeerInfo, _ context: inout Context) {
        // A client with the identity of a node whose connection stands says nothing about that node.
        guard !peer.record.addresses.isEmpty else { return }
        observe(VerifiedRecord(provedBy: peer), .asked, Reach(linkTo: peer.address), &context)
    }

    public mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context) {
        switch cause {
        // A break says that the peer may be gone: ask at once, before others are told of it.
        case .broken: check(peer.peer.nodeID, &context)
        // One side has no room for the connection; the peer was there until now, or a keepalive ago.
        case .local(.tooManyConnections, _), .remote(.tooManyConnections, _):
            guard let contact = context.contacts.contact(peer.peer.nodeID) else { return }
            observe(contact.verified, .asked, contact.reach, &context)
        default: break
        }
    }

    public mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
        try answer(message, &context)
        return true
    }

    public mutating func answered(
        _ ticket: Ticket, by peer: PeerID, _ answer: Answer, _ context: inout Context
    ) {
        switch pending.removeValue(forKey: ticket) {
        case .query(let lookup, let path, let hop, let sent):
            queryEnded(lookup, path, hop, context.now - sent, peer, answer, &context)
        case .check(let verified, let reach): checkEnded(verified, reach, answer, &context)
        case .bootstrap, .verification, .deadline, .rejoin, .settle, .upkeep, nil: break
        }
    }

    public mutating func dialled(
        _ ticket: Ticket, _ outcome: Result<PeerInfo, RequestError>, _ context: inout Context
    ) {
        switch pending.removeValue(forKey: ticket) {
        case .bootstrap(let address): bootstrapDialled(address, outcome, &context)
        case .verification(let lookup, let address): verified(lookup, address, outcome, &context)
        case .query, .check, .deadline, .rejoin, .settle, .upkeep, nil: break
        }
    }

    public mutating func fired(_ ticket: Ticket, _ context: inout Context) {
        switch pending.removeValue(forKey: ticket) {
        case .deadline(let lookup): lookupExpired(lookup, &context)
        case .rejoin: if joining.phase == .idle { join(&context) }
        case .settle: if case .filling = joining.phase { settle(&context) }
        case .upkeep: upkeep(&context)
        case .query, .check, .bootstrap, .verification, nil: break
        }
    }

    public mutating func stopped(_ context: inout Context) {
        pending = [:]
        active = [:]
    }

    // MARK: Contacts

    /// The checked record that the table holds already, so that the same bytes are not checked again.
    func known(_ record: PeerRecord, _ context: Context) -> VerifiedRecord? {
        guard let contact = context.contacts.contact(record.peer.nodeID), contact.record == record else { return nil }
        return contact.verified
    }

    /// Tells the table of a peer, and does what the table wants checked.
    mutating func observe(
        _ verified: VerifiedRecord, _ provenance: RoutingTable.Provenance, _ reach: Reach, _ context: inout Context
    ) {
        let ip = context.peers[verified.peer]?.address.ip ?? verified.record.dialable(toldAt: reach).first?.ip
        let isFull = context.contacts.siblings.count >= context.contacts.limits.siblings
        switch context.contacts.observe(verified, provenance, at: ip, reach: reach, now: context.now) {
        case .waiting(let oldest):
            context.reached(.bucket)
            if context.contacts.isCrowded(verified.nodeID) { context.reached(.replacements) }
            checkUnlessFresh(oldest.nodeID, &context)
        case .refused(.subnetInBucket): context.reached(.subnetInBucket)
        case .refused(.subnetInTable): context.reached(.subnetInTable)
        case .unproven: probe(verified, reach, &context)
        case .known where provenance == .asked: checkIfSuspect(verified.nodeID, &context)
        // A sibling more than the list holds: the farthest had to go.
        case .inserted where isFull && context.contacts.isSibling(verified.nodeID): context.reached(.siblings)
        case .known, .inserted, .refused: break
        }
    }

    /// Asks a contact whether it is there, unless it was heard of lately.
    private mutating func checkUnlessFresh(_ node: NodeID, _ context: inout Context) {
        guard let contact = context.contacts.contact(node) else { return }
        if contact.isSuspect || context.now - contact.changed >= configuration.staleAfter { check(node, &context) }
    }

    /// Who asks is there, but has not answered: a suspect is given the chance at once.
    private mutating func checkIfSuspect(_ node: NodeID, _ context: inout Context) {
        if context.contacts.contact(node)?.isSuspect == true { check(node, &context) }
    }
}
