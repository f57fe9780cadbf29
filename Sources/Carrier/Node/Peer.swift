public import CarrierCrypto
public import CarrierProtocols
internal import CarrierTransport
public import CarrierWire
public import NIOCore

/// A connected peer, as the application holds it. Once the peer is gone, every call says so.
public struct Peer: Sendable, Identifiable, Hashable {
    let connection: NIOLoopBound<Connection>
    /// Who the peer proved to be, and where the link leads.
    public let info: PeerInfo
    /// From the first packet to the link; zero where the peer dialled.
    public let connectTime: Duration
    /// From the link to the session.
    public let handshakeTime: Duration

    /// The application's messages.
    let messages: MessageRegistry
    private let executor: EventLoopExecutor

    /// On the loop.
    init(_ connection: Connection) {
        messages = connection.node.configuration.messages
        executor = connection.node.executor
        self.connection = NIOLoopBound(connection, eventLoop: connection.node.loop)
        info = connection.info
        connectTime = connection.timing.connect
        handshakeTime = connection.timing.handshake
    }

    /// The public key that the peer proved to hold.
    public var id: PeerID { info.peer }

    public static func == (left: Peer, right: Peer) -> Bool { left.info == right.info }
    public func hash(into hasher: inout Hasher) { hasher.combine(info.peer) }

    private var loop: any EventLoop { connection.eventLoop }

    /// Calls `body` with the connection on its loop and waits for the completion that it is given.
    private nonisolated(nonsending) func call<Value: Sendable>(
        _ body: @escaping @Sendable (Connection, @escaping @Sendable (Value) -> Void) -> Void
    ) async -> Value {
        let connection = connection
        return await withCheckedContinuation { continuation in
            Node.onLoop(connection.eventLoop) {
                body(connection.value) { continuation.resume(returning: $0) }
            }
        }
    }

    /// Sends what has an answer, on the loop, and waits for that.
    ///
    /// On the loop already, that costs no memory: this runs once a request.
    nonisolated(nonsending) func answer(
        wantsReply: Bool, within limit: Duration?,
        _ send: @Sendable (Connection, Duration, UInt32, RequestTable.Waiter) throws -> Void
    ) async throws -> Frame? {
        guard loop.inEventLoop else {
            return try await withTaskExecutorPreference(executor) {
                try await answer(wantsReply: wantsReply, within: limit, send)
            }
        }
        let bound = connection
        let nonce = bound.value.requests.nextNonce()
        let outcome = try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let connection = bound.value.used
                do {
                    try send(connection, limit ?? connection.limits.send.request, nonce, .task(continuation))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            // Never before the request is under way: a task may be cancelled already.
            bound.eventLoop.execute { bound.value.giveUp(nonce) }
        }
        switch outcome {
        case .reply(let frame): return frame
        case .acknowledged: return nil
        case .failed(let error): throw error
        }
    }

    /// Sends a request frame and waits for its reply.
    ///
    /// - Parameters:
    ///   - frame: its nonce and flags are set here.
    ///   - limit: how long; nil for the node's limit, 10 s by default.
    /// - Throws: `RequestError`; `cancelled` as soon as the task is, also in the other functions.
    public nonisolated(nonsending) func request(_ frame: Frame, within limit: Duration? = nil) async throws -> Frame {
        let reply = try await answer(wantsReply: true, within: limit) { connection, limit, nonce, waiter in
            connection.send(frame, wantsReply: true, within: limit, nonce: nonce, waiter)
        }
        return try Self.reply(reply)
    }

    /// The reply that an answer is.
    static func reply(_ answer: Frame?) throws(RequestError) -> Frame {
        guard let answer else { throw .unreachable("an ack came where a reply was due") }
        return answer
    }

    /// Sends a frame, once there is room for it.
    ///
    /// - Parameters:
    ///   - frame: goes out as it is; acknowledged, with a nonce of its own.
    ///   - acknowledged: whether to wait until the peer has it.
    /// - Throws: `RequestError`.
    public nonisolated(nonsending) func send(_ frame: Frame, acknowledged: Bool = false) async throws {
        if acknowledged {
            _ = try await answer(wantsReply: false, within: nil) { connection, limit, nonce, waiter in
                connection.send(frame, wantsReply: false, within: limit, nonce: nonce, waiter)
            }
            return
        }
        if loop.inEventLoop, connection.value.used.sendAtOnce(frame) { return }
        let connection = connection
        let cancellation = Cancellation(connection.eventLoop)
        let error: RequestError? = await withTaskCancellationHandler {
            await call { connection, done in
                let number = connection.used.sendWaiting(frame) { done($0) }
                if let number { cancellation.arm { connection.giveUpWaiting(number) } }
            }
        } onCancel: {
            cancellation.fire()
        }
        if let error { throw error }
    }

    /// Sends a ping and measures how long its answer takes.
    ///
    /// - Parameters:
    ///   - payload: any bytes, which must come back.
    ///   - limit: how long to wait.
    /// - Throws: `RequestError`.
    public nonisolated(nonsending) func ping(_ payload: ByteBuffer, within limit: Duration) async throws -> Duration {
        let answer: PingAnswer = await call { connection, done in
            let loop = connection.node.loop
            let start = NIODeadline.now()
            connection.used.send(
                Ping(payload: payload).frame(), wantsReply: true, within: limit,
                .call { answer in
                    let elapsed = Duration(NIODeadline.now() - start)
                    done(PingAnswer(answer: answer, elapsed: elapsed))
                })
            // Nothing else is under way on this loop that the ping could go out with.
            if loop.inEventLoop { connection.session?.flush() }
        }
        switch answer.answer {
        case .reply(let frame) where frame.opcode == .pong && frame.body == payload: return answer.elapsed
        case .reply(let frame):
            throw RequestError.unreachable(
                "expected the ping's \(payload.readableBytes) bytes back, got other: \(frame.opcode)")
        case .acknowledged: throw RequestError.unreachable("an ack came where a pong was due")
        case .failed(let error): throw error
        }
    }

    private struct PingAnswer: Sendable {
        let answer: Answer
        let elapsed: Duration
    }

    /// Asks whether the peer is still there, and so whether it took our handshake.
    ///
    /// - Throws: `RequestError`; `disconnected` with the peer's reason when it did not.
    public nonisolated(nonsending) func confirm(within limit: Duration) async throws {
        _ = try await request(Keepalive().frame(), within: limit)
    }

    /// Joins the connection's byte stream to file descriptors until one of them ends it, or the task is cancelled. The
    /// connection stays; `disconnect` ends it.
    public func splice(_ options: SpliceOptions) async -> SpliceResult {
        let connection = connection
        let cancellation = Cancellation(connection.eventLoop)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                Node.onLoop(connection.eventLoop) {
                    let splice = StreamSplice(connection.value.used, options) { continuation.resume(returning: $0) }
                    cancellation.arm { splice.cancel() }
                    splice.start()
                }
            }
        } onCancel: {
            cancellation.fire()
        }
    }

    /// Sends the peer's byte stream back as it comes, to its end.
    ///
    /// - Returns: why the connection ended first; nil when the stream came to its end.
    public func echo() async -> DisconnectCause? {
        await call { connection, done in connection.used.attach(StreamEcho(connection) { done($0) }) }
    }

    /// Sends what waits, tells the peer why, and ends the connection.
    ///
    /// What a slow peer has not taken within `Limits.Connections.farewell` is lost: when that matters, send the last message
    /// acknowledged first.
    public func disconnect(_ reason: Disconnect.Reason = .shutdown, _ text: String = "") async {
        let _: Bool = await call { connection, done in
            connection.close(reason, text)
            done(true)
        }
    }

    /// Why the connection is over; nil while it is not.
    public var cause: DisconnectCause? {
        get async { await call { connection, done in done(connection.cause) } }
    }

    /// This end of the link.
    public var localAddress: Address {
        get async {
            await call { connection, done in
                done(connection.session?.link.localAddress ?? Address(scheme: .tcp, host: "0.0.0.0", port: 0))
            }
        }
    }

    /// Bytes sent and received, as they are on the wire.
    public var traffic: (sent: UInt64, received: UInt64) {
        get async {
            let both: [UInt64] = await call { connection, done in done([connection.bytesOut, connection.bytesIn]) }
            return (both[0], both[1])
        }
    }

    /// Whether the peer has sent anything but its good-bye.
    public var hasSpoken: Bool {
        get async { await call { connection, done in done(connection.hasHeardFrame) } }
    }
}
