public import CarrierCrypto
public import CarrierProtocols
public import CarrierWire

/// A network of nodes on a virtual clock: production components in production hosts, with links that take a time by chance
/// and dead nodes that are silent. The shell that performs effects is this class in place of sockets.
public final class SimulatedNetwork {
    /// How links behave.
    public struct Links: Sendable {
        /// How long a frame is on its way, by chance.
        public var latency: ClosedRange<Int64> = 10_000_000...60_000_000
        /// Whether nodes connect before they send, so that both know each other as `PeerInfo`; otherwise frames travel
        /// like datagrams and a dead node is only silent.
        public var connects = false
        public init() {}
    }

    /// One node.
    public struct Node {
        public let identity: Identity
        public let record: PeerRecord
        public var host: ComponentHost
        public var isAlive = true
        /// Answers lookups in place of the components: for adversaries.
        public var answersLookup: ((LookupNodeRequest) -> [PeerRecord])?
    }

    private enum Event {
        case frame(from: Int, to: Int, Frame, ack: UInt32)
        case answer(to: Int, from: Int, nonce: UInt32, Answer)
        case giveUp(nonce: UInt32)
        case timer(node: Int, component: Int, Ticket)
        case dialled(node: Int, component: Int, Ticket, Int?)
        case call(() -> Void)
    }

    private struct Waiting {
        let node: Int
        let component: Int
        let ticket: Ticket
        let peer: PeerID
        let within: Duration
    }

    public let links: Links
    public private(set) var nodes: [Node] = []
    public private(set) var now = Instant(nanoseconds: 0)
    /// Unix time at the beginning, in microseconds.
    public let epoch: UInt64 = 1_760_000_000_000_000
    /// Frames sent, by opcode; to dead nodes, too.
    public private(set) var sent: [Opcode: Int] = [:]
    public private(set) var penalties = 0
    /// Hears what nodes tell their applications.
    public var onNotice: (_ node: Int, any Notice) -> Void = { _, _ in }
    /// Answers lookups for peers that are no nodes of the network; nil: they are silent.
    public var strangers: ((LookupNodeRequest) -> [PeerRecord])?
    private var events = EventQueue<Event>()
    private var index: [PeerID: Int] = [:]
    private var addresses: [String: Int] = [:]
    private var waiting: [UInt32: Waiting] = [:]
    private var nonce: UInt32 = 0
    public var random: SeededRandom

    public init(_ links: Links = Links(), seed: UInt64) {
        self.links = links
        random = SeededRandom(seed)
    }

    /// Wall-clock time, in microseconds.
    public var unixMicroseconds: UInt64 { epoch + UInt64(max(0, now.nanoseconds / 1000)) }

    /// Adds a node; its components are started only by `start`.
    @discardableResult
    public func add(
        _ identity: Identity, _ record: PeerRecord, _ components: [any Component],
        limits: RoutingTable.Limits = RoutingTable.Limits()
    ) throws -> Int {
        let context = Context(
            now: now, unixMicroseconds: unixMicroseconds, random: SeededRandom(random.next()), own: record,
            limits: limits)
        nodes.append(Node(identity: identity, record: record, host: try ComponentHost(components, context: context)))
        index[record.peer] = nodes.count - 1
        for address in record.addresses { addresses[address] = nodes.count - 1 }
        return nodes.count - 1
    }

    /// Gives a node a table that was filled before.
    public func setContacts(_ table: RoutingTable, of node: Int) {
        nodes[node].host.setContacts(table)
    }

    public func node(of peer: PeerID) -> Int? { index[peer] }

    public func start(_ node: Int) { change(node) { $0.start() } }

    /// The node falls silent. With connections, its peers notice that these are broken.
    public func kill(_ node: Int) {
        nodes[node].isAlive = false
        guard links.connects else { return }
        let peers = nodes[node].host.context.peers.keys.compactMap { index[$0] }
        for peer in peers where nodes[peer].isAlive {
            guard let info = nodes[peer].host.context.peers[nodes[node].record.peer] else { continue }
            change(peer) { $0.disconnected(info, .broken("reset by the peer")) }
        }
    }

    /// Makes a node an adversary that answers lookups by itself.
    public func corrupt(_ node: Int, _ answer: @escaping (LookupNodeRequest) -> [PeerRecord]) {
        nodes[node].answersLookup = answer
    }

    /// Calls a component of a node, as its application. The call must not touch the network itself.
    @discardableResult
    public func with<Block: Component, Value>(
        _ node: Int, _ type: Block.Type, _ body: (inout Block, inout Context) throws -> Value
    ) rethrows -> Value? {
        nodes[node].host.advance(now: now, unixMicroseconds: unixMicroseconds)
        let value = try nodes[node].host.with(type, body)
        perform(node)
        return value
    }

    /// Calls something later.
    public func schedule(after pause: Duration, _ body: @escaping () -> Void) {
        events.add(.call(body), at: now + pause)
    }

    /// Runs events until there are none.
    public func run() {
        while let next = events.next() {
            now = next.time
            handle(next.event)
        }
    }

    /// Runs the events of the time from now on, and moves the clock that far.
    public func run(for duration: Duration) {
        let end = now + duration
        while let time = events.nextTime, time <= end, let next = events.next() {
            now = next.time
            handle(next.event)
        }
        now = end
    }

    // MARK: Events

    private func change(_ node: Int, _ body: (inout ComponentHost) -> Void) {
        guard nodes[node].isAlive else { return }
        nodes[node].host.advance(now: now, unixMicroseconds: unixMicroseconds)
        body(&nodes[node].host)
        perform(node)
    }

    private func handle(_ event: Event) {
        switch event {
        case .frame(let from, let to, let frame, let ack): deliver(frame, from, to, ack)
        case .answer(_, _, let nonce, let answer):
            guard let asked = waiting.removeValue(forKey: nonce) else { return }
            change(asked.node) {
                $0.answered(component: asked.component, asked.ticket, by: asked.peer, answer)
            }
        case .giveUp(let nonce):
            guard let asked = waiting.removeValue(forKey: nonce) else { return }
            change(asked.node) {
                $0.answered(
                    component: asked.component, asked.ticket, by: asked.peer, .failed(.timeout(asked.within)))
            }
        case .timer(let node, let component, let ticket):
            change(node) { $0.fired(component: component, ticket) }
        case .dialled(let node, let component, let ticket, let target):
            dialled(node, component, ticket, target)
        case .call(let body): body()
        }
    }

    private func deliver(_ frame: Frame, _ from: Int, _ to: Int, _ ack: UInt32) {
        guard nodes[to].isAlive else { return }
        if let answer = nodes[to].answersLookup, frame.opcode == .lookupNodeRequest {
            guard let request = try? LookupNodeRequest(fields: frame.body) else { return }
            let reply = LookupNodeResponse(records: answer(request)).frame(flags: .reply, nonce: frame.nonce)
            send(reply, from: to, component: 0, Destination(nodes[from].record.peer), .nothing)
            return
        }
        if ack != 0 { events.add(.answer(to: from, from: to, nonce: ack, .acknowledged), at: now + latency()) }
        let inbound = Inbound(peer: nodes[from].record.peer, frame: frame)
        change(to) { _ = $0.receive(inbound) }
    }

    private func latency() -> Duration { .nanoseconds(Int64.random(in: links.latency, using: &random)) }

    // MARK: Effects

    private func perform(_ node: Int) {
        while true {
            let work = nodes[node].host.takeWork()
            if work.isEmpty { return }
            for (component, effect) in work { perform(effect, node, component) }
        }
    }

    private func perform(_ effect: Effect, _ node: Int, _ component: Int) {
        switch effect {
        case .send(let frame, let destination, let expectation):
            send(frame, from: node, component: component, destination, expectation)
        case .schedule(let ticket, let time):
            events.add(.timer(node: node, component: component, ticket), at: max(now, time))
        // Nobody stands behind a router here: an address leads where a dial of it leads.
        case .dial(let address, _, let ticket), .check(let address, let ticket):
            let target = addresses[address.pinned(to: nil).description].flatMap { nodes[$0].isAlive ? $0 : nil }
            events.add(
                .dialled(node: node, component: component, ticket, target),
                at: now + (target == nil ? .seconds(1) : latency() * 2))
        case .deliver(let notice): onNotice(node, notice)
        case .penalise: penalties += 1
        case .disconnect(let peer, _, _):
            if let other = index[peer] { disconnect(node, other) }
        // Components know nothing of a ticket that they have forgotten.
        case .cancel, .relay, .reached, .log: break
        }
    }

    private func send(
        _ frame: Frame, from: Int, component: Int, _ destination: Destination, _ expectation: Expectation
    ) {
        sent[frame.opcode, default: 0] += 1
        var frame = frame
        if frame.flags.contains(.reply) {
            guard let asked = waiting[frame.nonce], asked.peer == nodes[from].record.peer else { return }
            let answer = Event.answer(to: asked.node, from: from, nonce: frame.nonce, .reply(frame))
            events.add(answer, at: now + latency())
            return
        }
        var ack: UInt32 = 0
        switch expectation {
        case .nothing: break
        case .reply(let ticket, let within), .ack(let ticket, let within):
            nonce = nonce == .max ? 1 : nonce + 1
            frame.nonce = nonce
            if case .reply = expectation { frame.flags.insert(.request) } else { frame.flags.insert(.needsAck) }
            if case .ack = expectation { ack = nonce }
            waiting[nonce] = Waiting(
                node: from, component: component, ticket: ticket, peer: destination.peer, within: within)
            events.add(.giveUp(nonce: nonce), at: now + within)
        }
        guard let to = index[destination.peer] else { return askStranger(frame, from) }
        guard nodes[to].isAlive else { return }
        if links.connects { connect(from, to) }
        events.add(.frame(from: from, to: to, frame, ack: ack), at: now + latency())
    }

    private func askStranger(_ frame: Frame, _ from: Int) {
        guard let strangers, frame.opcode == .lookupNodeRequest,
            let request = try? LookupNodeRequest(fields: frame.body)
        else { return }
        let reply = LookupNodeResponse(records: strangers(request)).frame(flags: .reply, nonce: frame.nonce)
        events.add(.answer(to: from, from: from, nonce: frame.nonce, .reply(reply)), at: now + latency() + latency())
    }

    // MARK: Connections

    private func dialled(_ node: Int, _ component: Int, _ ticket: Ticket, _ target: Int?) {
        guard let target, nodes[target].isAlive else {
            change(node) { $0.dialled(component: component, ticket, .failure(.unreachable("nobody answers"))) }
            return
        }
        connect(node, target)
        let info = info(target, isOutbound: true, from: node)
        change(node) { $0.dialled(component: component, ticket, .success(info)) }
    }

    private func info(_ node: Int, isOutbound: Bool, from other: Int) -> PeerInfo {
        let record = nodes[node].record
        let text = record.addresses.first ?? "tcp://127.0.0.1:1"
        let address = (try? Address(text)) ?? Address(scheme: .tcp, host: "127.0.0.1", port: 1)
        return PeerInfo(
            record: record, address: address.pinned(to: record.peer),
            observedAddress: nodes[other].record.addresses.first ?? "", agent: "simulated", isOutbound: isOutbound)
    }

    private func connect(_ from: Int, _ to: Int) {
        guard nodes[from].host.context.peers[nodes[to].record.peer] == nil else { return }
        let (there, here) = (info(to, isOutbound: true, from: from), info(from, isOutbound: false, from: to))
        change(from) { $0.connected(there) }
        change(to) { $0.connected(here) }
    }

    private func disconnect(_ first: Int, _ second: Int) {
        for (node, other) in [(first, second), (second, first)] {
            guard let info = nodes[node].host.context.peers[nodes[other].record.peer] else { continue }
            change(node) { $0.disconnected(info, .local(.shutdown, "")) }
        }
    }
}
