public import CarrierProtocols
public import CarrierWire
internal import NIOCore

/// Why a message could not be received.
public enum ReceiveError: Error, Hashable, Sendable, CustomStringConvertible {
    /// None came in time.
    case timeout(Duration)
    /// The connection ended first.
    case disconnected(DisconnectCause)
    /// One came, and its body is not what its type says; it is gone, the connection stays.
    case malformed(String)
    /// The type has no opcode.
    case notRegistered(RegistryError)
    /// The task was cancelled.
    case cancelled

    public var description: String {
        switch self {
        case .timeout(let limit): "expected a message within \(limit), got none"
        case .disconnected(let cause): "expected a message, the connection ended: \(cause)"
        case .malformed(let reason): "expected a well-formed message, got \(reason)"
        case .notRegistered(let error): "\(error)"
        case .cancelled: "expected a message, the task was cancelled"
        }
    }
}

extension Peer {
    /// Sends a message, once there is room for it.
    ///
    /// - Parameters:
    ///   - message: of a registered type.
    ///   - acknowledged: whether to wait until the peer has it.
    /// - Throws: `RegistryError` for a type without opcode, what its encoder throws, `RequestError`.
    public nonisolated(nonsending) func send<M: Message>(_ message: M, acknowledged: Bool = false) async throws {
        let opcode = try messages.opcode(of: M.self)
        if acknowledged {
            _ = try await answer(wantsReply: false, within: nil) { connection, limit, nonce, waiter in
                try connection.send(message, as: opcode, wantsReply: false, within: limit, nonce: nonce, waiter)
            }
            return
        }
        let isSent =
            try connection.eventLoop.inEventLoop && connection.value.used.sendInPlace(message, opcode, [], nonce: 0)
        if !isSent { try await send(messages.frame(for: message)) }
    }

    /// Sends a message as a request and waits for its reply.
    ///
    /// - Parameters:
    ///   - message: of a registered type.
    ///   - reply: the type of the reply.
    ///   - limit: how long; nil for the node's limit, 10 s by default.
    /// - Throws: as `send`; `RequestError`; what the reply's decoder throws.
    public nonisolated(nonsending) func request<M: Message, Reply: Message>(
        _ message: M, for reply: Reply.Type, within limit: Duration? = nil
    ) async throws -> Reply {
        let opcode = try messages.opcode(of: M.self)
        let answer = try await answer(wantsReply: true, within: limit) { connection, limit, nonce, waiter in
            try connection.send(message, as: opcode, wantsReply: true, within: limit, nonce: nonce, waiter)
        }
        return try messages.decode(Self.reply(answer), as: reply)
    }

    /// Answers a request.
    ///
    /// - Throws: as `send`.
    public nonisolated(nonsending) func reply<M: Message>(to request: Frame, with message: M) async throws {
        try await send(messages.frame(for: message, flags: .reply, nonce: request.nonce))
    }

    /// Takes the next message of a type, in the order in which they came, that no component claimed.
    ///
    /// - Parameters:
    ///   - type: a registered type.
    ///   - limit: how long to wait; nil for as long as the peer is connected.
    /// - Throws: `ReceiveError`.
    public func receive<M: Message>(_ type: M.Type, within limit: Duration? = nil) async throws -> M {
        try await take(type, locks: false, within: limit).message
    }

    /// Takes the next message of a type and holds back every message of the peer that came after it, in order and without
    /// loss, until the lock is released: both sides can so pass a point together, to change a key or a protocol there.
    ///
    /// While it is held nothing of this peer is delivered, replies to requests included.
    ///
    /// - Parameters:
    ///   - type: a registered type.
    ///   - limit: how long to wait; nil for as long as the peer is connected.
    /// - Throws: `ReceiveError`.
    public func receiveLocked<M: Message>(
        _ type: M.Type, within limit: Duration? = nil
    ) async throws -> (message: M, lock: ReceiveLock) {
        let (message, number) = try await take(type, locks: true, within: limit)
        return (message, ReceiveLock(connection, number))
    }

    /// Takes a message with a lock and releases it when `body` is done, whatever happens in it.
    public nonisolated(nonsending) func withReceiveLock<M: Message, Value>(
        on type: M.Type, within limit: Duration? = nil, _ body: (M) async throws -> Value
    ) async throws -> Value {
        let (message, lock) = try await receiveLocked(type, within: limit)
        defer { lock.release() }
        return try await body(message)
    }

    /// The messages of a type as they come, until the peer is gone. Who takes slowly holds the peer back.
    public func messages<M: Message>(of type: M.Type) -> AsyncThrowingStream<M, any Error> {
        AsyncThrowingStream {
            do {
                return try await receive(type)
            } catch ReceiveError.disconnected(let cause) where cause.isOrderly {
                return nil
            } catch ReceiveError.cancelled {
                return nil
            }
        }
    }

    private func take<M: Message>(_ type: M.Type, locks: Bool, within limit: Duration?) async throws -> (
        message: M, lock: UInt64
    ) {
        let opcode: Opcode
        do {
            opcode = try messages.opcode(of: type)
        } catch { throw ReceiveError.notRegistered(error) }
        let taken = try await takeFrame(opcode, locks: locks, within: limit).get()
        do {
            return (try messages.decode(taken.frame, as: type), taken.lock)
        } catch {
            if locks { ReceiveLock(connection, taken.lock).release() }
            if let error = error as? WireError, case .tooDeep = error.problem { noteDepth() }
            throw ReceiveError.malformed("\(error)")
        }
    }

    private func noteDepth() {
        let connection = connection
        Node.onLoop(connection.eventLoop) { connection.value.node.note(.depth) }
    }

    /// A frame, and the number of the lock that was taken with it.
    private struct Taken: Sendable {
        let frame: Frame
        let lock: UInt64
    }

    private func takeFrame(_ opcode: Opcode, locks: Bool, within limit: Duration?) async -> Result<Taken, ReceiveError>
    {
        let bound = connection
        let cancellation = Cancellation(bound.eventLoop)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                Node.onLoop(bound.eventLoop) {
                    let connection = bound.value.used
                    var timer: Scheduled<Void>?
                    let waiter = connection.inbox.take(opcode, locks: locks) { result in
                        timer?.cancel()
                        let lock = connection.inbox.lockNumber
                        continuation.resume(
                            returning: result.map { Taken(frame: $0, lock: lock) }.mapError { .disconnected($0) })
                    }
                    connection.inboxChanged()
                    guard let waiter else { return }
                    func giveUp(_ error: ReceiveError) {
                        guard connection.inbox.giveUp(waiter) else { return }
                        timer?.cancel()
                        continuation.resume(returning: .failure(error))
                    }
                    if let limit {
                        timer = bound.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
                            giveUp(.timeout(limit))
                        }
                    }
                    cancellation.arm { giveUp(.cancelled) }
                }
            }
        } onCancel: {
            cancellation.fire()
        }
    }
}

/// Holds back what a peer sent after a message, until it is released or forgotten.
public final class ReceiveLock: Sendable {
    private let connection: NIOLoopBound<Connection>

    private let number: UInt64

    init(_ connection: NIOLoopBound<Connection>, _ number: UInt64) {
        self.connection = connection
        self.number = number
    }

    /// Lets the peer's messages through again. Twice is once.
    public func release() { Self.unlock(connection, number) }

    deinit { Self.unlock(connection, number) }

    private static func unlock(_ bound: NIOLoopBound<Connection>, _ number: UInt64) {
        Node.onLoop(bound.eventLoop) {
            bound.value.inbox.unlock(number)
            bound.value.inboxChanged()
        }
    }
}
