public import CarrierCrypto
public import CarrierWire
internal import DequeModule
internal import Logging
public import NIOCore

/// Tells everyone: passes signed messages down a tree over the routing table, replaces silent delegates, repairs gaps
/// (carrier-wire(7) §5.1).
///
/// The application calls `broadcast` and hears `BroadcastSent` and `BroadcastReported`; messages of others come as
/// `BroadcastReceived`.
public struct BroadcastTree: Component {
    public let name = "broadcast"
    public let opcodes: [Opcode] = [.broadcast, .broadcastReport, .broadcastDigest, .broadcastWant]
    let identity: Identity
    let configuration: BroadcastConfiguration

    /// What a ticket of ours stands for.
    enum Pending {
        case ack(Broadcast.ID, delegation: UInt64, task: Int)
        case reports(Broadcast.ID)
        case digest
        case wants
        case queue
    }

    /// A message of our own that waits for the rate.
    struct Waiting {
        let ticket: Ticket
        let opcode: Opcode
        let codec: Codec
        let body: ByteBuffer
        let options: BroadcastOptions
    }

    var pending: [Ticket: Pending] = [:]
    private var lastTicket: UInt64 = 0
    private var lastSequence: UInt64 = 0
    var seen: SeenCache
    var delegations: [Broadcast.ID: Delegation] = [:]
    /// The messages of others that are being passed on, oldest first; those that are done may still be named.
    private var underWay: Deque<Broadcast.ID> = []
    private var senderLimits: TokenBuckets<PeerID>
    private var originLimits: TokenBuckets<PeerID>
    private var ownLimit: TokenBucket?
    private var queue: Deque<Waiting> = []
    private var isDraining = false
    /// The messages that are to be announced; a timer runs while there are any.
    var announcements: Deque<Announcement> = []
    var digestLimits: TokenBuckets<PeerID>
    var repairLimits: TokenBuckets<PeerID>
    var wanted: WantList
    var isWatchingWants = false

    /// The component of a node with this identity, which signs its own messages.
    public init(_ identity: Identity, _ configuration: BroadcastConfiguration = BroadcastConfiguration()) {
        self.identity = identity
        self.configuration = configuration
        seen = SeenCache(idLimit: configuration.idLimit, byteLimit: configuration.bodyLimit)
        senderLimits = TokenBuckets(configuration.senderRate)
        originLimits = TokenBuckets(configuration.originRate)
        digestLimits = TokenBuckets(configuration.digestRate)
        repairLimits = TokenBuckets(configuration.repairRate)
        wanted = WantList(configuration)
    }

    public func limits(_ context: Context) -> [LimitUse] {
        [
            LimitUse(.broadcastAge, configuration.ageLimit),
            LimitUse(.broadcastIDs, used: seen.count, configuration.idLimit),
            LimitUse(.broadcastBodies, used: seen.bytes, configuration.bodyLimit),
            LimitUse(.broadcasts, configuration.originRate),
            LimitUse(.senderBroadcasts, configuration.senderRate),
        ]
    }

    mutating func ticket(_ what: Pending?) -> Ticket {
        lastTicket &+= 1
        let ticket = Ticket(lastTicket)
        pending[ticket] = what
        return ticket
    }

    // MARK: Our own messages

    /// Tells everyone. Messages over the rate wait their turn, in order.
    ///
    /// - Returns: the name under which the notices come.
    public mutating func broadcast(
        _ body: ByteBuffer, opcode: Opcode, codec: Codec = .bytes, _ options: BroadcastOptions = BroadcastOptions(),
        _ context: inout Context
    ) throws(BroadcastError) -> Ticket {
        guard opcode.isApplication else { throw .notAnApplicationOpcode(opcode) }
        guard body.readableBytes <= configuration.messageLimit else {
            throw .tooLong(limit: configuration.messageLimit, got: body.readableBytes)
        }
        guard queue.count < configuration.queueLimit else { throw .queueFull(limit: configuration.queueLimit) }
        let ticket = ticket(nil)
        queue.append(Waiting(ticket: ticket, opcode: opcode, codec: codec, body: body, options: options))
        if !isDraining { try drain(&context) }
        return ticket
    }

    /// Sends what the rate allows now and comes back for the rest.
    private mutating func drain(_ context: inout Context) throws(BroadcastError) {
        isDraining = false
        while let next = queue.first {
            var limit = ownLimit ?? TokenBucket(configuration.ownRate, now: context.now)
            let cost = cost(next.body, configuration.ownRate)
            let isAllowed = limit.take(configuration.ownRate, cost: cost, now: context.now)
            ownLimit = limit
            guard isAllowed, let message = queue.popFirst() else {
                isDraining = true
                let pause = Duration.seconds(1 / max(0.01, configuration.ownRate.perSecond))
                context.perform(.schedule(ticket(.queue), at: context.now + pause))
                return
            }
            try send(message, &context)
        }
    }

    private mutating func send(_ waiting: Waiting, _ context: inout Context) throws(BroadcastError) {
        lastSequence = max(context.unixMicroseconds, lastSequence &+ 1)
        let message: Broadcast
        do {
            message = try Broadcast(
                signedBy: identity, sequence: lastSequence, message: waiting.opcode, codec: waiting.codec,
                body: waiting.body, wantsReport: waiting.options.reportTimeout > .zero)
        } catch {
            throw .unsigned("\(error)")
        }
        let id = message.id
        remember(message, id, &context)
        delegate(
            Delegation(
                message, id: id, number: self.ticket(nil).number, from: nil, ticket: waiting.ticket, now: context.now),
            height: 256, redundancy: waiting.options.redundancy ?? configuration.redundancy,
            reportTimeout: waiting.options.reportTimeout, &context)
    }

    // MARK: Messages of others

    public mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
        switch message.opcode {
        case .broadcast: take(try Broadcast(fields: message.frame.body), from: message.peer, &context)
        case .broadcastReport: report(try BroadcastReport(fields: message.frame.body), message.peer, &context)
        case .broadcastDigest: digest(try BroadcastDigest(fields: message.frame.body), message.peer, &context)
        case .broadcastWant: want(try BroadcastWant(fields: message.frame.body), message.peer, &context)
        default: return false
        }
        return true
    }

    private mutating func take(_ message: Broadcast, from sender: PeerID, _ context: inout Context) {
        let id = message.id
        guard !seen.contains(id), delegations[id] == nil else { return meet(message, id, again: sender, &context) }
        guard isTimely(message, context), message.origin != context.own.peer else {
            if message.origin != context.own.peer { context.reached(.broadcastAge) }
            context.log(.debug, "broadcast \(id) dropped: not of this time, or our own")
            return
        }
        guard !seen.mayHaveForgotten(id, now: context.now) else {
            context.log(.debug, "broadcast \(id) dropped: so many came that it may have been here before")
            return
        }
        let senderCost = cost(message.body, configuration.senderRate)
        guard senderLimits.take(sender, cost: senderCost, now: context.now) else {
            context.reached(.senderBroadcasts)
            context.log(.debug, "broadcast \(id) dropped: its sender \(sender.short) is over its rate")
            return
        }
        guard message.isSignatureValid else {
            context.perform(.penalise(sender, "passed on a broadcast whose signature does not hold"))
            return
        }
        let originCost = cost(message.body, configuration.originRate)
        guard originLimits.take(message.origin, cost: originCost, now: context.now) else {
            context.reached(.broadcasts)
            context.log(.debug, "broadcast \(id) dropped: \(message.origin.short) is over its rate")
            return
        }
        remember(message, id, &context)
        context.perform(
            .deliver(
                BroadcastReceived(
                    origin: message.origin, id: id, hops: Int(message.hops), message: message.message,
                    codec: message.codec, body: message.body)))
        makeRoom(for: id, &context)
        // The sender stands in for one bucket of ours: whatever height it names, the task is no higher than that.
        let bucket = context.contacts.own.bucket(of: sender.nodeID) ?? 0
        delegate(
            Delegation(message, id: id, number: self.ticket(nil).number, from: sender, ticket: nil, now: context.now),
            height: min(Int(message.height), bucket), redundancy: configuration.redundancy, reportTimeout: nil, &context
        )
    }

    /// What a message takes of a rate; a single one is always possible.
    private func cost(_ body: ByteBuffer, _ rate: TokenBucket.Rate) -> Double {
        min(rate.burst, max(1, Double(body.readableBytes) / Double(max(1, configuration.rateUnit))))
    }

    /// The oldest messages give way to a new one: they have reached their first delegates, it has not.
    private mutating func makeRoom(for id: Broadcast.ID, _ context: inout Context) {
        while let oldest = underWay.first,
            delegations[oldest] == nil || delegations.count >= max(1, configuration.treeLimit)
        {
            underWay.removeFirst()
            close(oldest, &context)
        }
        underWay.append(id)
    }

    /// A message that was here before is dropped. Who waits for a report is told, and counts it: here it would be counted
    /// a second time.
    private mutating func meet(
        _ message: Broadcast, _ id: Broadcast.ID, again sender: PeerID, _ context: inout Context
    ) {
        guard message.wantsReport else {
            delegations[id]?.metAgain()
            return
        }
        let report = BroadcastReport(id: id, reached: 0, duplicates: 1, depth: 0)
        context.send(report.frame(), to: Destination(sender))
    }

    private func isTimely(_ message: Broadcast, _ context: Context) -> Bool {
        let now = context.unixMicroseconds
        let age = now >= message.sequence ? now - message.sequence : 0
        let lead = message.sequence > now ? message.sequence - now : 0
        return age <= UInt64(clamping: configuration.ageLimit.nanoseconds / 1000)
            && lead <= UInt64(clamping: configuration.leadLimit.nanoseconds / 1000)
    }

    private mutating func remember(_ message: Broadcast, _ id: Broadcast.ID, _ context: inout Context) {
        let lead = message.sequence > context.unixMicroseconds ? message.sequence - context.unixMicroseconds : 0
        let kept = configuration.ageLimit + .microseconds(Int64(clamping: lead))
        var repair = message
        repair.height = 0
        repair.hops = message.hops == .max ? .max : message.hops + 1
        repair.wantsReport = false
        let full = seen.insert(
            id, body: repair.frame().body, now: context.now, expires: context.now + kept)
        if full.ids { context.reached(.broadcastIDs) }
        if full.bodies { context.reached(.broadcastBodies) }
        wanted.arrived(id)
        announce(id, &context)
    }

    // MARK: Outcomes

    public mutating func answered(
        _ ticket: Ticket, by peer: PeerID, _ answer: Answer, _ context: inout Context
    ) {
        guard case .ack(let id, let number, let task) = pending.removeValue(forKey: ticket) else { return }
        acknowledged(id, number, task, peer, answer, &context)
    }

    public mutating func fired(_ ticket: Ticket, _ context: inout Context) throws {
        switch pending.removeValue(forKey: ticket) {
        case .reports(let id): endWait(id, &context)
        case .digest: sendDigests(&context)
        case .wants: askOthers(&context)
        case .queue: try drain(&context)
        case .ack, nil: break
        }
    }

    public mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context) {
        if case .broken = cause { lost(peer.peer, &context) }
    }

    public mutating func stopped(_ context: inout Context) {
        pending = [:]
        delegations = [:]
    }
}

/// How one message of our own is sent.
public struct BroadcastOptions: Hashable, Sendable {
    /// β for the first hop; nil: as configured.
    public var redundancy: Int?
    /// How long to wait for reports; zero: no reports. Default 10 s.
    public var reportTimeout = Duration.seconds(10)

    /// The defaults.
    public init() {}
}
