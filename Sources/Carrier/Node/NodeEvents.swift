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
        var waiting: Deque<NodeEvent> = []
        /// Of the broadcasts among them.
        var bytes = 0
        var isDropping = false
        var consumer: CheckedContinuation<Element?, Never>?
        var takesMessages = false
        var isFinished = false
    }

    private let state: NIOLoopBoundBox<State>
    private let loop: any EventLoop
    private let log: Logger
    /// Events that nobody takes are dropped beyond this many; messages never are, they hold their peer back.
    private static let limit = 65_536
    /// Broadcasts that nobody takes are dropped beyond so many bytes: they come from all peers, and none can be held back.
    private static let byteLimit = 16 << 20

    init(_ core: NIOLoopBound<NodeCore>) {
        loop = core.eventLoop
        log = core.value.log
        state = NIOLoopBoundBox(State(), eventLoop: core.eventLoop)
    }

    /// On the loop.
    func add(_ event: NodeEvent) {
        var event = event
        if case .message(let connection, let frame) = event {
            guard state.value.takesMessages, !connection.inbox.isAwaited(frame.opcode) else {
                return connection.keep(frame)
            }
            event = .message(connection, connection.charge(frame))
        } else if state.value.waiting.count >= Self.limit || state.value.bytes > Self.byteLimit - Self.bytes(of: event)
        {
            return noteDropping()
        }
        if let consumer = state.value.consumer {
            state.value.consumer = nil
            consumer.resume(returning: Self.element(event))
        } else {
            state.value.waiting.append(event)
            state.value.bytes += Self.bytes(of: event)
        }
    }

    private static func bytes(of event: NodeEvent) -> Int {
        guard case .notice(let notice as BroadcastReceived) = event else { return 0 }
        return notice.body.readableBytes
    }

    /// Who takes events should know that some are missing; who never takes any does not miss them.
    private func noteDropping() {
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

    func finish() {
        let state = state
        Node.onLoop(loop) {
            state.value.isFinished = true
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
