public import CarrierCrypto
public import CarrierWire

/// Tells peers whether they can be dialled, and asks them whether this node can (carrier-wire(7) §5.3).
///
/// Answering: dials the address that a peer names, if it lies where the peer is seen, and says what came of it. Asking: the
/// application names its addresses with `watch` and hears `ReachabilityNotice`; what peers see this node at becomes an
/// `AddressObserved`.
public struct Reachability: Component {
    /// What answering may cost, and how asking goes.
    public struct Configuration: Sendable, Hashable {
        /// Dials for one asker. Default one in ten seconds, 4 at once.
        public var perAsker = TokenBucket.Rate(perSecond: 0.1, burst: 4)
        /// Dials for all askers. Default 2 a second, 16 at once.
        public var forAll = TokenBucket.Rate(perSecond: 2, burst: 16)
        /// Dials under way for others. Default 8.
        public var underWay = 8
        /// How long a dial for another may take as a whole. Default 8 s.
        public var limit: Duration = .seconds(8)
        /// How many peers that this node dialled must see it at the same address before that counts. Default 4.
        public var observers = 4
        /// How many peers may fail to reach an address before no more are asked. Default 3.
        public var witnesses = 3
        /// When to ask again. Default ten minutes.
        public var interval: Duration = .seconds(600)

        /// The defaults.
        public init() {}
    }

    public let name = "reachability"
    public let opcodes: [Opcode] = [.reachabilityRequest]
    let configuration: Configuration

    /// A dial for another.
    struct Answering {
        let asker: PeerID
        let nonce: UInt32
    }

    private var perAsker: TokenBuckets<PeerID>
    private var forAll: TokenBucket?
    private var answering: [Ticket: Answering] = [:]
    private var lastTicket: UInt64 = 0
    static let round = Ticket(0)

    var observed = ObservedAddresses()
    /// The addresses of this node that are asked about.
    var watched: [Watched] = []
    /// Questions under way.
    var asking: [Ticket: Address] = [:]

    /// The component that answers checks and asks for them.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        perAsker = TokenBuckets(configuration.perAsker)
    }

    mutating func nextTicket() -> Ticket {
        lastTicket &+= 1
        return Ticket(lastTicket)
    }

    // MARK: Answering

    public mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
        guard message.isRequest else {
            context.perform(.penalise(message.peer, "a question of reachability that is not sent as a request"))
            return true
        }
        let text = try ReachabilityRequest(fields: message.frame.body).address
        let asker = Answering(asker: message.peer, nonce: message.frame.nonce)
        guard let seen = context.peers[message.peer]?.address.ip else {
            reply(to: asker, ReachabilityResponse.refused, "your own address is not known here", &context)
            return true
        }
        guard let address = try? Address(text), let ip = address.ip, address.port != 0, Reach(ip) != nil else {
            let text = "expected an address with the IP \(seen) and a port"
            reply(to: asker, ReachabilityResponse.refused, text, &context)
            return true
        }
        guard ip == seen else {
            reply(to: asker, ReachabilityResponse.refused, "you are seen at \(seen), so not at \(ip)", &context)
            return true
        }
        guard allows(address, for: asker, &context) else {
            reply(to: asker, ReachabilityResponse.rateLimited, "too many such dials; ask later", &context)
            return true
        }
        let ticket = nextTicket()
        answering[ticket] = asker
        context.perform(.check(address.pinned(to: message.peer), ticket: ticket))
        context.perform(.schedule(ticket, at: context.now + configuration.limit))
        return true
    }

    private mutating func allows(_ address: Address, for asker: Answering, _ context: inout Context) -> Bool {
        if answering.count >= configuration.underWay || answering.values.contains(where: { $0.asker == asker.asker }) {
            return false
        }
        guard perAsker.take(asker.asker, now: context.now), context.dials.allows(address, now: context.now) else {
            return false
        }
        var bucket = forAll ?? TokenBucket(configuration.forAll, now: context.now)
        defer { forAll = bucket }
        return bucket.take(configuration.forAll, now: context.now)
    }

    private func reply(to asker: Answering, _ status: UInt16, _ text: String, _ context: inout Context) {
        let response = ReachabilityResponse(status: status, text: text)
        context.send(response.frame(flags: .reply, nonce: asker.nonce), to: Destination(asker.asker))
    }

    public mutating func dialled(
        _ ticket: Ticket, _ outcome: Result<PeerInfo, RequestError>, _ context: inout Context
    ) {
        guard let asker = answering.removeValue(forKey: ticket) else { return }
        context.perform(.cancel(ticket))
        switch outcome {
        case .success: reply(to: asker, ReachabilityResponse.reached, "", &context)
        case .failure(let error):
            // What this node did not try says nothing about the address.
            let status = error.blamesPeer ? ReachabilityResponse.notReached : ReachabilityResponse.rateLimited
            reply(to: asker, status, "\(error)", &context)
        }
    }

    public mutating func fired(_ ticket: Ticket, _ context: inout Context) {
        if ticket == Self.round { return askAgain(&context) }
        guard let asker = answering.removeValue(forKey: ticket) else { return }
        reply(to: asker, ReachabilityResponse.notReached, "nobody answered within \(configuration.limit)", &context)
    }

    // MARK: Peers

    public mutating func started(_ context: inout Context) {
        context.perform(.schedule(Self.round, at: context.now + configuration.interval))
    }

    public mutating func connected(_ peer: PeerInfo, _ context: inout Context) {
        observe(peer, &context)
        askWhereNeeded(&context)
    }

    public mutating func answered(
        _ ticket: Ticket, by peer: PeerID, _ answer: Answer, _ context: inout Context
    ) throws {
        if let address = asking.removeValue(forKey: ticket) { try judge(address, by: peer, answer, &context) }
    }
}
