public import CarrierWire
public import NIOCore
internal import NIOPosix

/// TCP over IPv4 and IPv6, on SwiftNIO.
public struct TCPTransport: Transport {
    /// Connections that may wait to be accepted.
    private static let backlog: CInt = 1024
    /// Idle links keep small buffers; busy ones read four full records at once.
    private static let receiveAllocator = AdaptiveRecvByteBufferAllocator(
        minimum: 2048, initial: 2048, maximum: 128 * 1024)

    public let scheme = Address.Scheme.tcp

    /// The transport with its defaults.
    public init() {}

    public func listen(
        on address: Address, loop: any EventLoop, accept: @escaping @Sendable (any Link) -> Void
    ) -> EventLoopFuture<any Listener> {
        let bootstrap = ServerBootstrap(group: loop, childGroup: loop)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.prepare(channel, for: TCPLink(loop: channel.eventLoop, onActive: accept))
                }
            }
        guard let ip = address.ip, let target = try? SocketAddress(ipAddress: ip.description, port: Int(address.port))
        else { return loop.makeFailedFuture(LinkError.cannotBind("\(address.host) is not an IP address")) }
        return bootstrap.bind(to: target)
            .flatMapErrorThrowing { throw LinkError.cannotBind("\(address): \(LinkError.reason(of: $0))") }
            .map { channel in
                TCPListener(channel: channel, address: Address(scheme: .tcp, channel.localAddress) ?? address)
            }
    }

    public func dial(
        _ address: Address, loop: any EventLoop, timeout: Duration,
        completion: @escaping (Result<any Link, LinkError>) -> Void
    ) -> Dialling {
        guard let ip = address.ip, let target = try? SocketAddress(ipAddress: ip.description, port: Int(address.port))
        else {
            completion(.failure(.nameNotFound(address.host)))
            return Dialling {}
        }
        let attempt = Attempt(completion)
        let connected = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.prepare(channel, for: TCPLink(loop: channel.eventLoop))
                }
            }
            .connect(to: target)
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                guard !attempt.isOver else { return channel.close(promise: nil) }
                guard let link = try? channel.pipeline.syncOperations.handler(type: TCPLink.self) else {
                    return attempt.end(.failure(.reset("ended as it began")))
                }
                attempt.end(.success(link))
            case .failure(let error):
                attempt.end(.failure(Self.linkError(error)))
            }
        }
        return Dialling { attempt.end(.failure(.closedHere)) }
    }

    /// What every connection is given, whichever end began it: at once, for a bootstrap makes a promise for each of its options.
    /// That small writes wait for nothing (TCP_NODELAY) is a bootstrap's default; who is accepted has it from the listening socket.
    private static func prepare(_ channel: any Channel, for link: TCPLink) throws {
        guard let options = channel.syncOptions else { throw ChannelError.operationUnsupported }
        // One read, then the next connection's turn: a peer that floods keeps nobody waiting for long.
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(.recvAllocator, value: receiveAllocator)
        try channel.pipeline.syncOperations.addHandler(link)
    }

    /// A dial that ends once: by its connection, by an error, or because it was given up.
    private final class Attempt {
        private var completion: ((Result<any Link, LinkError>) -> Void)?
        var isOver: Bool { completion == nil }

        init(_ completion: @escaping (Result<any Link, LinkError>) -> Void) { self.completion = completion }

        func end(_ result: Result<any Link, LinkError>) {
            guard let completion else { return }
            self.completion = nil
            completion(result)
        }
    }

    static func linkError(_ error: any Error) -> LinkError {
        if error is ChannelError, case .connectTimeout = error as? ChannelError { return .timeout }
        if let error = error as? IOError {
            if error.errnoCode == SystemErrorText.connectionRefused { return .refused }
            if error.errnoCode == SystemErrorText.timedOut { return .timeout }
        }
        return .opening(error)
    }
}

private struct TCPListener: Listener {
    let channel: any Channel
    let address: Address

    func close() -> EventLoopFuture<Void> {
        // Closed twice is closed.
        channel.close().flatMapErrorThrowing { error in
            if error as? ChannelError != .alreadyClosed { throw error }
        }
    }
}

extension Address {
    /// An address of the system's, in our notation; nil for anything but IP.
    public init?(scheme: Scheme, _ address: SocketAddress?) {
        guard let text = address?.ipAddress, let port = address?.port, let ip = IPAddress(text),
            let number = UInt16(exactly: port)
        else { return nil }
        self.init(scheme: scheme, host: ip.description, port: number)
    }
}
