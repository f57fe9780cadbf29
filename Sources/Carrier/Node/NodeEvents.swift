public import CarrierProtocols
public import CarrierWire
internal import DequeModule
internal import Logging
internal import NIOCore

/// What connects, disconnects and arrives at a node, in order. Messages count against their peer until they are taken: who
/// takes slowly holds the peers back, not the program's memory.
public final class NodeEvents: AsyncSequence, Sendable {
    /// One event.
    public enum Element: Sendable {
        /// A peer is connected.
        case connected(Peer)
        /// A peer is gone.
        case disconnected(Peer, DisconnectCause)
        /// A message that no component claimed and nobody waited for.
        case message(Peer, Frame)
        /// A component has something to tell.
        case notice(any Notice)
        /// Somebody dialled this node and the handshake failed.
        case handshakeFailed(Address, HandshakeError)
    }

    private struct State {
        /// Counts that a limit was reached.
        let note: (LimitUse.Name) -> Void
        var waiting: Deque<NodeEvent> = []
        /// Of the broadcasts among them.
        var bytes = 0
        var isDropping = false
        var consumer: CheckedContinuation<Element?, Never>?
        var takesMessages = false
        var isFinished = false
        /// Who hears of it as it happens.
        var watcher: AsyncStream<Element>.Continuation?
    }

    private let state: NIOLoopBoundBox<State>
    private let loop: any EventLoop
    private let log: Logger
    /// Beyond them, what nobody takes is dropped; messages never are, they hold their peer back.
    private let limits: Limits.Receive

    init(_ core: NIOLoopBound<NodeCore>) {
        loop = core.eventLoop
        log = core.value.log
        limits = core.value.configuration.limits.receive
        state = NIOLoopBoundBox(
            State(note: { [weak core = core.value] in core?.note($0) }), eventLoop: core.eventLoop)
    }

    /// On the loop.
    func add(_ event: NodeEvent) {
        if let watcher = state.value.watcher, Self.isSmall(event) { watcher.yield(Self.element(event)) }
        var event = event
        if case .message(let connection, let frame) = event {
            guard state.value.takesMessages, !state.value.isFinished, !connection.inbox.isAwaited(frame.opcode) else {
                return connection.keep(frame)
            }
            event = .message(connection, connection.charge(frame))
        } else if state.value.isFinished {
            return
        } else if state.value.waiting.count >= limits.events {
            return drop(.events)
        } else if state.value.bytes > limits.eventBytes - Self.bytes(of: event) {
            return drop(.eventBytes)
        }
        if let consumer = state.value.consumer {
            state.value.consumer = nil
            consumer.resume(returning: Self.element(event))
        } else {
            state.value.waiting.append(Self.settled(event))
            state.value.bytes += Self.bytes(of: event)
        }
    }

    /// Whether it is neither a message nor a broadcast.
    private static func isSmall(_ event: NodeEvent) -> Bool {
        switch event {
        case .message: false
        case .notice(let notice): !(notice is BroadcastReceived)
        default: true
        }
    }

    /// The body of a broadcast shares the memory of all that was read with it; one that waits keeps no more than it says.
    private static func settled(_ event: NodeEvent) -> NodeEvent {
        guard case .notice(var notice as BroadcastReceived) = event,
            notice.body.storageCapacity > 2 * notice.body.readableBytes + 64
        else { return event }
        var body = ByteBuffer()
        body.writeImmutableBuffer(notice.body)
        notice.body = body
        return .notice(notice)
    }

    private static func bytes(of event: NodeEvent) -> Int {
        guard case .notice(let notice as BroadcastReceived) = event else { return 0 }
        return notice.body.readableBytes
    }

    /// Who takes events should know that some are missing; who never takes any does not miss them.
    private func drop(_ limit: LimitUse.Name) {
        state.value.note(limit)
        guard state.value.takesMessages, !state.value.isDropping else { return }
        state.value.isDropping = true
        log.warning("events are dropped: \(state.value.waiting.count) wait, and nobody takes them")
    }

    private func takeFirst() -> NodeEvent? {
        guard let first = state.value.waiting.popFirst() else { return nil }
        state.value.bytes -= Self.bytes(of: first)
        if state.value.waiting.isEmpty { state.value.isDropping = false }
        return first
    }

    private static func element(_ event: NodeEvent) -> Element {
        switch event {
        case .connected(let connection): .connected(Peer(connection))
        case .disconnected(let connection, let cause): .disconnected(Peer(connection), cause)
        case .message(let connection, let frame):
            {
                connection.discharge(frame)
                return .message(Peer(connection), frame)
            }()
        case .notice(let notice): .notice(notice)
        case .handshakeFailed(let address, let error): .handshakeFailed(address, error)
        }
    }

    /// Takes messages too, from all peers; without it they wait in the inbox of their peer for `Peer.receive`.
    public func includingMessages() async -> NodeEvents {
        let state = state
        try? await loop.submit { state.value.takesMessages = true }.get()
        return self
    }

    /// What happens beside messages and broadcasts, as it happens, what waits first: for who must not come to hear of it late
    /// because those are taken slowly. One can have it, beside who takes the events.
    package func asTheyHappen() async -> AsyncStream<Element> {
        let (stream, watcher) = AsyncStream<Element>.makeStream(bufferingPolicy: .bufferingOldest(limits.events))
        let state = state
        try? await loop.submit {
            for event in state.value.waiting where Self.isSmall(event) { watcher.yield(Self.element(event)) }
            if state.value.isFinished { watcher.finish() } else { state.value.watcher = watcher }
        }.get()
        return stream
    }

    func finish() {
        let state = state
        Node.onLoop(loop) {
            state.value.isFinished = true
            state.value.watcher?.finish()
            state.value.watcher = nil
            let consumer = state.value.consumer
            state.value.consumer = nil
            consumer?.resume(returning: nil)
        }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(events: self) }

    /// Gives one event after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let events: NodeEvents
        public mutating func next() async -> Element? { await events.next() }
    }

    private func next() async -> Element? {
        let state = state
        let loop = loop
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                Node.onLoop(loop) {
                    if let first = self.takeFirst() {
                        continuation.resume(returning: Self.element(first))
                    } else if state.value.isFinished {
                        continuation.resume(returning: nil)
                    } else {
                        state.value.consumer = continuation
                    }
                }
            }
        } onCancel: {
            finish()
        }
    }
}
