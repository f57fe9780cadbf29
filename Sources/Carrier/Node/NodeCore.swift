internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierQUIC
internal import CarrierTransport
internal import CarrierWire
internal import Logging
internal import NIOCore

/// The one shell: it owns the links, the connections, the clock and the components, and carries out what those want done.
/// Confined to its event loop, with everything that belongs to it.
final class NodeCore {
    let configuration: NodeConfiguration
    let environment: SessionEnvironment
    private let transports: [any Transport]
    var host: ComponentHost
    var connections: [PeerID: Connection] = [:]
    /// Connections that stand beside the one with the same peer, for one purpose.
    var asides: [ObjectIdentifier: Connection] = [:]
    /// Who has been asked to dial this node back, and until when that counts.
    var callbacks: [PeerID: NIODeadline] = [:]
    var listeners: [any Listener] = []
    /// Inbound links that have not shaken hands yet, the oldest first.
    var halfOpen: [SessionLink] = []
    /// Sessions that wait for the probe of the connection that stands.
    var contenders: [PeerID: Contender] = [:]
    var attempts: [DialAttempt] = []
    /// Peers that components have messages for, and no connection yet.
    var reaching: [PeerID: Reaching] = [:]
    var admission: Admission
    var timers: [TimerKey: Scheduled<Void>] = [:]
    var isCarryingOut = false
    /// Memory for the work of components, used again.
    var reusedWork: [ComponentHost.Work] = []
    var isStopping = false
    /// Whether the async components have been told of the end.
    var hasCleanedUp = false
    /// Addresses that turned out to be this node's own.
    var ownAddresses: Set<Address> = []
    /// The application's components that wait; empty where it has none.
    let asyncComponents: [any AsyncComponent]
    var lanes: [ObjectIdentifier: ApplicationLane] = [:]
    let executor: EventLoopExecutor
    var statistics = NodeStatistics()
    let meters = NodeMeters()
    /// Doors and circuits.
    private(set) lazy var relay = RelaySockets(self, configuration.limits.connections)
    /// Told what components tell the application, until each says that it has heard enough; at the end, of `NodeStopped`.
    var listeningForNotices: [UInt64: (any Notice) -> Bool] = [:]
    var lastListener: UInt64 = 0
    /// Told what happens, in order, on the loop.
    var observer: (NodeEvent) -> Void = { _ in }

    /// Whose messages go to the application when no component claims them.
    let applicationOpcodes: Set<Opcode>

    struct TimerKey: Hashable {
        let component: Int
        let ticket: Ticket
    }

    var log: Logger { configuration.logger }
    var loop: any EventLoop { environment.loop }

    /// - Throws: `CryptoError`, `ComponentError`.
    init(
        _ configuration: NodeConfiguration, components: [any Component], application: [any AsyncComponent] = [],
        executor: EventLoopExecutor
    ) throws {
        self.configuration = configuration
        self.executor = executor
        asyncComponents = application
        let loop = executor.loop
        applicationOpcodes = Set(configuration.messages.entries.map(\.opcode).filter(\.isApplication))
        let identity = configuration.identity
        let terms = try HandshakeTerms(
            identity: identity, staticKey: .generate(), agent: configuration.agent, network: configuration.network,
            minimum: configuration.minimum, keepsKeyLog: configuration.keyLog != nil,
            memory: SignatureMemory(limit: configuration.limits.handshake.remembered))
        let wallClock = WallClock.unixMicroseconds()
        let record = try PeerRecord(signedBy: identity, sequence: wallClock / 1000, addresses: [])
        environment = SessionEnvironment(
            executor: executor, limits: configuration.limits, terms: terms, record: record,
            logKeys: configuration.keyLog ?? { _ in })
        transports =
            configuration.transports + [
                TCPTransport(),
                QUICTransport(
                    identity: identity,
                    limits: .init(
                        halfOpen: configuration.limits.handshake.halfOpen,
                        deadline: configuration.limits.handshake.deadline),
                    usesOffload: configuration.usesDatagramOffload, logKeys: configuration.keyLog),
                UDPTransport(environment),
            ]
        let limits = configuration.limits.connections
        admission = Admission(
            perSite: limits.perSite,
            rate: TokenBucket.Rate(perSecond: limits.newPerSecond, burst: Double(limits.newBurst)))
        var components = components + [RelayServer(configuration.relay ?? .refusing)]
        if !configuration.relays.isEmpty { components.append(RelayClient(configuration.relays)) }
        host = try ComponentHost(
            components,
            context: Context(
                now: Instant(loop.now), unixMicroseconds: wallClock, random: SystemRandom(), own: record,
                limits: configuration.limits.table))
    }

    /// Calls `listener` with each notice until it returns true.
    ///
    /// - Returns: a number with which to stop it before.
    func listenForNotices(_ listener: @escaping (any Notice) -> Bool) -> UInt64 {
        lastListener += 1
        listeningForNotices[lastListener] = listener
        return lastListener
    }

    func deliver(_ notice: any Notice) {
        for (number, listener) in listeningForNotices.sorted(by: { $0.key < $1.key }) where listener(notice) {
            listeningForNotices[number] = nil
        }
        observer(.notice(notice))
    }

    func start() {
        tick()
        host.start()
        carryOutWork()
    }

    /// Sets the components' clocks before an event.
    func tick() { host.advance(now: Instant(loop.now), unixMicroseconds: WallClock.unixMicroseconds()) }

    func transport(for scheme: Address.Scheme) -> (any Transport)? {
        transports.first { $0.scheme == scheme }
    }

    /// Signs and spreads a new word about this node.
    func publish(_ addresses: [Address]) {
        let sequence = max(WallClock.unixMicroseconds() / 1000, environment.record.sequence + 1)
        let texts = addresses.map { $0.pinned(to: nil).description }.filter {
            $0.utf8.count <= PeerRecord.addressSizeLimit
        }
        do throws(CryptoError) {
            let record = try PeerRecord(
                signedBy: configuration.identity, sequence: sequence,
                addresses: Array(texts.prefix(PeerRecord.addressLimit)))
            environment.record = record
            host.publish(record)
            introduceAnew()
        } catch {
            log.error("no new peer record: \(error)")
        }
    }

    /// Notes a frame for `--record`.
    func recordFrame(_ frame: Frame, isSent: Bool, peer: PeerID) {
        guard let recorder = configuration.recorder else { return }
        recorder(
            RecordedFrame(
                isSent: isSent, peer: peer, frame: frame, unixMicroseconds: WallClock.unixMicroseconds()))
    }

    /// Remembers an address that led back here.
    func noteOwn(_ address: Address) {
        if ownAddresses.count < 1024 { ownAddresses.insert(address.pinned(to: nil)) }
    }

    // MARK: Ending

    /// Disconnects every peer, runs every clean-up, closes every socket. Completes when nothing is left, in bounded time.
    func stop() -> EventLoopFuture<Void> {
        guard !isStopping else { return loop.makeSucceededVoidFuture() }
        isStopping = true
        for attempt in attempts { attempt.cancel(.shuttingDown) }
        for each in halfOpen { each.abort(.local(.shutdown, "")) }
        for each in contenders.values { each.session.close(.shutdown) }
        let closing = connections.values.sorted { $0.peer < $1.peer }
        for connection in closing { connection.close(.shutdown) }
        relay.stop()
        for connection in asides.values { connection.close(.shutdown) }
        host.stop()
        carryOutWork()
        for (_, listener) in listeningForNotices.sorted(by: { $0.key < $1.key }) { _ = listener(NodeStopped()) }
        listeningForNotices = [:]
        for timer in timers.values { timer.cancel() }
        timers = [:]
        environment.flushNow()
        let closed = EventLoopFuture.andAllComplete(listeners.map { $0.close() }, on: loop)
        listeners = []
        // Good-byes are on their way, also those of connections that ended just before.
        let farewell = loop.makePromise(of: Void.self)
        awaitFarewells(until: loop.now + TimeAmount(configuration.limits.connections.farewell), farewell)
        return closed.flatMap { farewell.futureResult }
    }

    private func awaitFarewells(until deadline: NIODeadline, _ done: EventLoopPromise<Void>) {
        if environment.closing.isEmpty { return done.succeed() }
        if loop.now >= deadline {
            for session in environment.closing.values { session.abort(.local(.shutdown, "")) }
            return done.succeed()
        }
        loop.assumeIsolated().scheduleTask(in: .milliseconds(2)) { [self] in awaitFarewells(until: deadline, done) }
    }
}

/// What happens in a node, as its observer hears it.
enum NodeEvent {
    case connected(Connection)
    case disconnected(Connection, DisconnectCause)
    /// A message that no component claimed; whoever observes takes it from here, or leaves it to the inbox.
    case message(Connection, Frame)
    case notice(any Notice)
    /// A handshake with somebody who dialled this node failed.
    case handshakeFailed(Address, HandshakeError)
}
