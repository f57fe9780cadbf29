public import CarrierCrypto
public import CarrierWire
internal import Logging

/// Runs a node's components over one event at a time and collects what they want done. Pure: sockets, simulations and
/// tests are shells around it.
public struct ComponentHost {
    /// What a shell must do after an event, with the component that gets the outcome.
    public typealias Work = (component: Int, effect: Effect)

    /// What the components see, and the effects that wait to be carried out.
    public private(set) var context: Context
    private var components: [any Component]
    /// Which components receive an opcode, in order.
    private let routes: [Opcode: [Int]]
    /// How often a component threw.
    public private(set) var failures: UInt64 = 0

    /// - Throws: `ComponentError.claimedTwice` when two components claim one of carrier's own opcodes.
    public init(_ components: [any Component], context: Context) throws(ComponentError) {
        var routes: [Opcode: [Int]] = [:]
        for (index, component) in components.enumerated() {
            for opcode in component.opcodes {
                if let first = routes[opcode]?.first, !opcode.isApplication {
                    throw .claimedTwice(opcode, components[first].name, component.name)
                }
                routes[opcode, default: []].append(index)
            }
        }
        self.components = components
        self.context = context
        self.routes = routes
    }

    /// The name of a component, for logs.
    public func name(of component: Int) -> String {
        components.indices.contains(component) ? components[component].name : "node"
    }

    /// The limits of all components.
    public var limits: [LimitUse] { components.flatMap { $0.limits(context) } }

    /// Whether any component receives this opcode.
    public func receives(_ opcode: Opcode) -> Bool { routes[opcode] != nil }

    /// Sets the clocks for the events that follow.
    public mutating func advance(now: Instant, unixMicroseconds: UInt64) {
        context.now = now
        context.unixMicroseconds = unixMicroseconds
    }

    /// This node tells others something new about itself.
    public mutating func publish(_ record: PeerRecord) { context.own = record }

    /// Replaces what the node knows of others: before it starts, and in simulations.
    public mutating func setContacts(_ contacts: RoutingTable) { context.contacts = contacts }

    /// The node is up.
    public mutating func start() { each { component, context throws in try component.started(&context) } }

    /// A session with a peer is up.
    public mutating func connected(_ peer: PeerInfo) {
        context.peers[peer.peer] = peer
        each { component, context throws in try component.connected(peer, &context) }
    }

    /// A connected peer has told something new about itself.
    public mutating func renewed(_ peer: PeerInfo) {
        each { component, context throws in try component.renewed(peer, &context) }
    }

    /// A session has ended.
    public mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause) {
        context.peers[peer.peer] = nil
        each { component, context throws in try component.disconnected(peer, cause, &context) }
    }

    /// The node goes down: the last chance to clean up.
    public mutating func stop() { each { component, context throws in try component.stopped(&context) } }

    /// What became of a message.
    public enum Reception: Sendable {
        /// No component receives its opcode.
        case unrouted
        /// Components saw it; none claimed it.
        case passed
        /// A component claimed it.
        case claimed
    }

    /// Gives a message to the components of its opcode until one claims it.
    public mutating func receive(_ message: Inbound) -> Reception {
        guard let route = routes[message.opcode] else { return .unrouted }
        for index in route {
            var isClaimed = false
            run(index) { component, context throws in
                do {
                    isClaimed = try component.receive(message, &context)
                } catch let error as WireError {
                    // A malformed body is the peer's fault and ends its connection, whoever notices.
                    isClaimed = true
                    if case .tooDeep = error.problem { context.reached(.depth) }
                    context.perform(.disconnect(message.peer, .protocolError, "\(message.opcode): \(error)"))
                }
            }
            if isClaimed { return .claimed }
        }
        return .passed
    }

    /// What a component asked for under a ticket has an answer, or none will come.
    public mutating func answered(component: Int, _ ticket: Ticket, by peer: PeerID, _ answer: Answer) {
        run(component) { component, context throws in try component.answered(ticket, by: peer, answer, &context) }
    }

    /// What a component dialled under a ticket is connected, or will not be.
    public mutating func dialled(component: Int, _ ticket: Ticket, _ outcome: Result<PeerInfo, RequestError>) {
        run(component) { component, context throws in try component.dialled(ticket, outcome, &context) }
    }

    /// A deadline that a component set under a ticket is here.
    public mutating func fired(component: Int, _ ticket: Ticket) {
        run(component) { component, context throws in try component.fired(ticket, &context) }
    }

    /// Calls the first component of a type, as the application's own hand: nil when there is none.
    public mutating func with<Block: Component, Value>(
        _ type: Block.Type, _ body: (inout Block, inout Context) throws -> Value
    ) rethrows -> Value? {
        for index in components.indices {
            guard var block = components[index] as? Block else { continue }
            context.running = index
            // Only one owner while it changes, so that its collections are not copied.
            components[index] = Vacancy()
            defer { components[index] = block }
            return try body(&block, &context)
        }
        return nil
    }

    /// Takes what is to be done; call until it is empty, for outcomes make new work.
    ///
    /// - Parameter work: what was taken before, whose memory is used again.
    public mutating func takeWork(into work: inout [Work]) { context.takeEffects(into: &work) }

    /// Takes what is to be done, on its own.
    public mutating func takeWork() -> [Work] {
        var work: [Work] = []
        takeWork(into: &work)
        return work
    }

    private mutating func each(_ body: (inout any Component, inout Context) throws -> Void) {
        for index in components.indices { run(index, body) }
    }

    private mutating func run(_ index: Int, _ body: (inout any Component, inout Context) throws -> Void) {
        guard components.indices.contains(index) else { return }
        context.running = index
        do {
            try body(&components[index], &context)
        } catch {
            failures &+= 1
            context.log(.error, "\(components[index].name) failed: \(error)")
        }
    }
}

/// Stands where a component was taken out for the time of a call.
private struct Vacancy: Component {}

/// Components that cannot run together.
public enum ComponentError: Error, Equatable, CustomStringConvertible {
    /// One of carrier's own opcodes, claimed by two components.
    case claimedTwice(Opcode, String, String)

    public var description: String {
        switch self {
        case .claimedTwice(let opcode, let first, let second):
            "expected one component for \(opcode), got \(first) and \(second); register one of them only"
        }
    }
}
