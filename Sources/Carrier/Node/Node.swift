public import CarrierCrypto
public import CarrierProtocols
internal import CarrierTransport
public import CarrierWire
internal import Logging
public import NIOCore
internal import NIOPosix

/// This program's end of a network: it listens, dials, keeps one connection a peer, runs components.
///
/// A node is a scope: `Node.run` starts it, and leaving the scope disconnects every peer, runs every clean-up and frees
/// every descriptor. All of it lives on one event loop; a task that runs on `executor` calls it without changing threads.
public final class Node: Sendable {
    let bound: NIOLoopBound<NodeCore>
    /// The loop that the node is confined to.
    public let loop: any EventLoop
    /// Runs tasks on the node's loop.
    public let executor: EventLoopExecutor
    /// What connects, disconnects and arrives, in order. For one consumer.
    public let events: NodeEvents
    /// Who the node is.
    public let id: PeerID

    private init(core: NIOLoopBound<NodeCore>, executor: EventLoopExecutor, events: NodeEvents, id: PeerID) {
        bound = core
        self.events = events
        self.id = id
        loop = core.eventLoop
        self.executor = executor
    }

    /// Runs a node for the time of `body`.
    ///
    /// - Parameters:
    ///   - configuration: what the node is to be.
    ///   - components: called in this order.
    ///   - application: components that wait, called after those, in this order.
    ///   - loop: where to live; nil for one of the shared ones.
    ///   - prepare: runs before the components start: the place to listen and to publish addresses, so that the first peer that
    ///     the node dials learns where it can be dialled.
    ///   - body: what the program does with the node; when it is over, the node ends.
    /// - Throws: what `body` throws; `CryptoError` or `ComponentError` when the node cannot start.
    public static func run<Value: Sendable>(
        _ configuration: NodeConfiguration, components: [any Component] = Node.standardComponents,
        application: [any AsyncComponent] = [], on loop: (any EventLoop)? = nil,
        prepare: @Sendable (Node) async throws -> Void = { _ in },
        _ body: @Sendable (Node) async throws -> Value
    ) async throws -> Value {
        let node = try await make(configuration, components: components, application, on: loop)
        do {
            try await prepare(node)
            await node.begin(application)
            let value = try await body(node)
            await node.stop()
            return value
        } catch {
            await node.stop()
            throw error
        }
    }

    /// The building blocks that every node should have: it answers pings and metrics, and tells peers whether they can be dialled.
    public static var standardComponents: [any Component] { [PingResponder(), PeerMetrics(), Reachability()] }

    /// Starts a node whose end is the caller's to bring about, with `stop`; prefer `run`.
    public static func start(
        _ configuration: NodeConfiguration, components: [any Component] = Node.standardComponents,
        application: [any AsyncComponent] = [], on loop: (any EventLoop)? = nil
    ) async throws -> Node {
        let node = try await make(configuration, components: components, application, on: loop)
        await node.begin(application)
        return node
    }

    private static func make(
        _ configuration: NodeConfiguration, components: [any Component], _ application: [any AsyncComponent],
        on loop: (any EventLoop)?
    ) async throws -> Node {
        let loop = loop ?? MultiThreadedEventLoopGroup.singleton.any()
        return try await loop.submit {
            let executor = EventLoopExecutor(loop)
            let core = try NodeCore(
                configuration, components: components, application: application, executor: executor)
            let bound = NIOLoopBound(core, eventLoop: loop)
            let events = NodeEvents(bound)
            let node = Node(core: bound, executor: executor, events: events, id: configuration.identity.peerID)
            core.observer = { events.add($0) }
            return node
        }.get()
    }

    /// Starts the components, those that wait after the others, each in its time.
    private func begin(_ application: [any AsyncComponent]) async {
        await with { $0.start() }
        await each(application) { component in try await component.started(self) }
    }

    private func each(
        _ components: [any AsyncComponent], _ body: @escaping @Sendable (any AsyncComponent) async throws -> Void
    ) async {
        let limit = await with { $0.configuration.limits.receive.processing }
        for component in components {
            if case .failure(let error) = await Deadline.run(within: limit, on: executor, { try await body(component) })
            {
                await with { core in
                    core.statistics.componentFailures += 1
                    core.log.error("\(component.name) failed: \(error)")
                }
            }
        }
    }

    /// What the node has counted.
    public var statistics: NodeStatistics {
        get async {
            await with { $0.statisticsNow }
        }
    }

    /// Every limit of `Limits`: what it is, how much of it is in use, how often it was reached.
    public var limits: [LimitUse] {
        get async { await with { $0.limitUses } }
    }

    /// What the node's `PeerMetrics` have measured of a peer in their window; nil before the first measurement, and where
    /// the node has no such component or it measures nothing (`PeerMetrics.Configuration.interval`).
    public func metrics(of peer: PeerID) async -> PeerMetrics.Report? {
        await with { core in core.host.with(PeerMetrics.self) { metrics, _ in metrics.report(of: peer) } ?? nil }
    }

    /// Disconnects every peer, runs every clean-up, frees every descriptor: in about two seconds at most. Twice is once.
    public func stop() async {
        let core = bound
        // The future cannot fail.
        try? await loop.flatSubmit { core.value.stop() }.get()
        let application = await with { $0.hasCleanedUp ? [] : $0.asyncComponents }
        if !application.isEmpty {
            await with { $0.hasCleanedUp = true }
            // Their last events first.
            for _ in 0..<400 where await with({ !$0.lanes.isEmpty }) {
                try? await loop.scheduleTask(in: .milliseconds(5)) {}.futureResult.get()
            }
            await each(application) { try await $0.stopped() }
        }
        events.finish()
        // Events that nobody took hold their connections, and those the node.
        await with { $0.observer = { _ in } }
    }

    /// Runs `body` with the core, on its loop.
    nonisolated(nonsending) func with<Value: Sendable>(_ body: @escaping @Sendable (NodeCore) -> Value) async -> Value {
        if loop.inEventLoop { return body(bound.value) }
        let core = bound
        return await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body(core.value)) }
        }
    }

    /// Listens on an address with an IP host, port 0 for any free one.
    ///
    /// - Returns: the address with the port that it really has, pinned to this node.
    /// - Throws: `LinkError.cannotBind` or `unsupportedScheme`.
    public func listen(on address: Address) async throws -> Address {
        let core = bound
        return try await loop.flatSubmit { core.value.listen(on: address) }.get().pinned(to: id)
    }

    /// Tells peers from now on that this node can be dialled at these addresses, at most 16.
    public func publish(_ addresses: [Address]) async {
        await with { $0.publish(addresses) }
    }

    /// Connects to whoever answers first at one of the addresses, 250 ms apart, or gives the connection that stands.
    ///
    /// - Throws: `DialError`; `CancellationError` when the task is cancelled.
    public func dial(_ addresses: [Address]) async throws -> Peer {
        let core = bound
        let loop = loop
        let cancellation = Cancellation(loop)
        let result: Result<Peer, DialError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                Self.onLoop(loop) {
                    let node = core.value
                    let attempt = node.dial(addresses) { result in
                        continuation.resume(returning: result.map { Peer($0) })
                    }
                    cancellation.arm { attempt?.cancel(.shuttingDown) }
                }
            }
        } onCancel: {
            cancellation.fire()
        }
        try Task.checkCancellation()
        return try result.get()
    }

    /// Makes a link to an address with an IP host or a name, and ends it: whether somebody listens there, without a handshake.
    ///
    /// - Returns: how long it took.
    /// - Throws: `LinkError`.
    public func probe(_ address: Address) async throws -> Duration {
        let core = bound
        let loop = loop
        let result: Result<Duration, LinkError> = await withCheckedContinuation { continuation in
            Self.onLoop(loop) { core.value.probe(address) { continuation.resume(returning: $0) } }
        }
        return try result.get()
    }

    /// The peers that are connected now, ordered by id.
    public var peers: [Peer] {
        get async {
            await with { core in core.connections.values.sorted { $0.peer < $1.peer }.map { Peer($0) } }
        }
    }

    static func onLoop(_ loop: any EventLoop, _ body: @escaping @Sendable () -> Void) {
        if loop.inEventLoop { body() } else { loop.execute(body) }
    }
}

/// Carries a task's cancellation to the loop.
final class Cancellation: Sendable {
    private struct State {
        var isCancelled = false
        var action: (() -> Void)?
    }
    private let state: NIOLoopBoundBox<State>

    init(_ loop: any EventLoop) {
        state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: loop)
    }

    /// Says what cancelling means; on the loop.
    func arm(_ action: @escaping () -> Void) {
        if state.value.isCancelled { action() } else { state.value.action = action }
    }

    /// Cancels, from anywhere.
    func fire() {
        let state = state
        Node.onLoop(state.eventLoop) {
            state.value.isCancelled = true
            let action = state.value.action
            state.value.action = nil
            action?()
        }
    }
}
