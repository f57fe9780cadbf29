public import CarrierCrypto
public import CarrierWire
public import Logging

/// What a component may look at while it handles an event, and where it leaves what it wants done.
///
/// One context lives as long as the node; the host updates it before each event.
public struct Context {
    /// The time of the event on the monotonic clock.
    public internal(set) var now: Instant
    /// The time of the event on the wall clock, Unix time in microseconds. May jump; use `now` to measure.
    public internal(set) var unixMicroseconds: UInt64
    /// Random numbers; in a simulation, seeded ones.
    public var random: any RandomNumberGenerator & Sendable
    /// This node, as it tells others about itself.
    public internal(set) var own: PeerRecord
    /// The peers that are connected now.
    public internal(set) var peers: [PeerID: PeerInfo] = [:]
    /// The peers that this node knows. `Discovery` keeps them; others read, and tell of failures.
    public var contacts: RoutingTable
    /// Holds back dials to one IP address, whoever wants them.
    var dials = DialLimiter()
    /// What the components want done, with the index of the component that does.
    private(set) var effects: [(component: Int, effect: Effect)] = []
    /// Which component runs.
    var running = 0

    /// The context of a node that has no peers yet.
    public init(
        now: Instant, unixMicroseconds: UInt64, random: any RandomNumberGenerator & Sendable, own: PeerRecord,
        limits: RoutingTable.Limits = RoutingTable.Limits()
    ) {
        self.now = now
        self.unixMicroseconds = unixMicroseconds
        self.random = random
        self.own = own
        contacts = RoutingTable(own: own.peer.nodeID, limits: limits)
    }

    /// Wants something done, after all that was wanted before.
    public mutating func perform(_ effect: consuming Effect) {
        effects.append((running, effect))
    }

    /// Sends a frame; the outcome of an expectation comes back as `answered`.
    public mutating func send(
        _ frame: consuming Frame, to destination: consuming Destination, _ expectation: consuming Expectation = .nothing
    ) {
        perform(.send(frame, to: destination, expectation))
    }

    /// Answers a request.
    public mutating func reply(to inbound: Inbound, with message: some BuiltInMessage) {
        send(message.frame(flags: .reply, nonce: inbound.frame.nonce), to: Destination(inbound.peer))
    }

    /// Counts that a limit was reached.
    public mutating func reached(_ limit: LimitUse.Name) { perform(.reached(limit)) }

    /// Notes that a contact did not answer, unless that is nobody's fault but ours.
    mutating func failed(_ node: NodeID, by error: RequestError) {
        if error.blamesPeer { failed(node) }
    }

    /// Notes that a contact is of no use.
    mutating func failed(_ node: NodeID) {
        if contacts.failed(node, now: now) { reached(.contactFailures) }
    }

    /// Writes a line to the log.
    public mutating func log(_ level: Logger.Level, _ text: @autoclosure () -> String) {
        perform(.log(level, text()))
    }

    /// Hands over what is to be done and forgets it.
    mutating func takeEffects(into output: inout [(component: Int, effect: Effect)]) {
        output.removeAll(keepingCapacity: true)
        swap(&effects, &output)
    }
}

/// A message as it came in.
public struct Inbound: Sendable {
    /// Who sent it.
    public let peer: PeerID
    /// The frame that carried it.
    public let frame: Frame

    /// A message of that peer.
    public init(peer: PeerID, frame: Frame) {
        self.peer = peer
        self.frame = frame
    }

    /// What it is.
    public var opcode: Opcode { frame.opcode }
    /// Whether the peer waits for a reply.
    public var isRequest: Bool { frame.flags.contains(.request) }
}
