internal import CarrierProtocols
internal import CarrierWire
internal import DequeModule
internal import Logging
internal import NIOCore

/// Takes the events of one connection through the async components, one event after the other, on the node's loop.
final class ApplicationLane {
    private enum Event {
        case connected
        case message(Frame)
        case disconnected(DisconnectCause)
    }

    private let components: [any AsyncComponent]
    private let connection: Connection
    private let executor: EventLoopExecutor
    private let limit: Duration
    private var events: Deque<Event> = []
    private var isRunning = false
    /// Called when the last event is done.
    var onEnd: () -> Void = {}

    init(_ components: [any AsyncComponent], _ connection: Connection, _ executor: EventLoopExecutor) {
        self.components = components
        self.connection = connection
        self.executor = executor
        limit = connection.node.configuration.limits.receive.processing
    }

    func receives(_ opcode: Opcode) -> Bool { components.contains { $0.opcodes.contains(opcode) } }

    func connected() { add(.connected) }

    func receive(_ frame: Frame) {
        add(.message(connection.charge(frame)))
    }

    func disconnected(_ cause: DisconnectCause) { add(.disconnected(cause)) }

    private func add(_ event: Event) {
        events.append(event)
        guard !isRunning else { return }
        isRunning = true
        let bound = NIOLoopBound(self, eventLoop: connection.node.loop)
        Task(executorPreference: executor) { await ApplicationLane.run(bound) }
    }

    private static func run(_ bound: NIOLoopBound<ApplicationLane>) async {
        while let step = bound.value.next() {
            let (components, peer) = (step.components, step.peer)
            switch step.event {
            case .connected:
                for component in components {
                    await call(component, bound) { try await component.connected(peer) }
                }
            case .message(let frame):
                var isClaimed = false
                for component in components where component.opcodes.contains(frame.opcode) && !isClaimed {
                    isClaimed =
                        await call(component, bound) { try await component.receive(frame, from: peer) } ?? false
                }
                bound.value.finish(frame, isClaimed)
            case .disconnected(let cause):
                for component in components {
                    await call(component, bound) { try await component.disconnected(peer, cause) }
                }
                bound.value.onEnd()
            }
        }
    }

    private struct Step {
        let event: Event
        let components: [any AsyncComponent]
        let peer: Peer
    }

    private func next() -> Step? {
        guard let event = events.popFirst() else {
            isRunning = false
            return nil
        }
        return Step(event: event, components: components, peer: Peer(connection))
    }

    private func finish(_ frame: Frame, _ isClaimed: Bool) {
        connection.discharge(frame)
        if !isClaimed { connection.node.observer(.message(connection, frame)) }
    }

    /// Runs one function, as long as it may; nil when it failed or took longer. One that does not stop when it is cancelled is
    /// left to itself.
    @discardableResult
    private static func call<Value: Sendable>(
        _ component: any AsyncComponent, _ bound: NIOLoopBound<ApplicationLane>,
        _ body: @escaping @Sendable () async throws -> Value
    ) async -> Value? {
        let (limit, executor, log) = (bound.value.limit, bound.value.executor, bound.value.connection.node.log)
        let result = await Deadline.run(within: limit, on: executor, body)
        switch result {
        case .success(let value): return value
        case .failure(let error):
            bound.value.connection.node.statistics.componentFailures += 1
            log.error("\(component.name) failed: \(error)")
            return nil
        }
    }
}

/// Something took longer than it may.
public struct ProcessingTimeout: Error, Hashable, Sendable, CustomStringConvertible {
    /// How long it might have taken.
    public let limit: Duration
    public var description: String { "expected to be done within \(limit), was not; it was cancelled" }
}

/// Runs functions that must not hold up others.
enum Deadline {
    /// Runs `body` and gives what it returns, or `ProcessingTimeout` when the time is over first: then it is cancelled and
    /// nobody waits for it any more.
    static func run<Value: Sendable>(
        within limit: Duration, on executor: EventLoopExecutor, _ body: @escaping @Sendable () async throws -> Value
    ) async -> Result<Value, any Error> {
        await withCheckedContinuation { continuation in
            // Whoever calls may be anywhere.
            Node.onLoop(executor.loop) { race(within: limit, on: executor, continuation, body) }
        }
    }

    /// On the loop.
    private static func race<Value: Sendable>(
        within limit: Duration, on executor: EventLoopExecutor,
        _ continuation: CheckedContinuation<Result<Value, any Error>, Never>,
        _ body: @escaping @Sendable () async throws -> Value
    ) {
        let race = NIOLoopBoundBox<CheckedContinuation<Result<Value, any Error>, Never>?>(
            continuation, eventLoop: executor.loop)
        @Sendable func end(_ result: Result<Value, any Error>) {
            let continuation = race.value
            race.value = nil
            continuation?.resume(returning: result)
        }
        let task = Task(executorPreference: executor) {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            // The function may have left the loop and come back elsewhere.
            Node.onLoop(executor.loop) { end(result) }
        }
        let timer = executor.loop.scheduleTask(in: TimeAmount(limit)) {
            task.cancel()
            end(.failure(ProcessingTimeout(limit: limit)))
        }
        Task(executorPreference: executor) {
            _ = await task.result
            timer.cancel()
        }
    }
}
