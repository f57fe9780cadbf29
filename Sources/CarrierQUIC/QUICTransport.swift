#if QUIC
    public import CarrierCrypto
    public import CarrierTransport
    public import CarrierWire
    public import NIOCore
    internal import Synchronization

    /// QUIC v1 with mutual certificates whose keys are the identities (carrier-wire(7) §7).
    ///
    /// A link stands when both sides have accepted each other's certificate; `Link.security` names the peer.
    public final class QUICTransport: Transport {
        public let scheme = Address.Scheme.quic
        private let identity: Identity
        private let limits: Limits
        private let usesOffload: Bool
        private let logKeys: (@Sendable (String) -> Void)?
        // Made when first needed: who only uses TCP does not pay for a certificate.
        private let made = Mutex<QUICCredentials?>(nil)

        /// - Parameters:
        ///   - identity: whose key the certificate has.
        ///   - limits: what handshakes of others may cost.
        ///   - usesOffload: whether the system cuts and joins datagrams for us (GSO, GRO). Without it, transfers are several times
        ///     slower, and captures on loopback show each packet. Default yes.
        ///   - logKeys: gets the lines of `SSLKEYLOGFILE`; nil leaves them to that environment variable. Default nil.
        public init(
            identity: Identity, limits: Limits = Limits(), usesOffload: Bool = true,
            logKeys: (@Sendable (String) -> Void)? = nil
        ) {
            self.identity = identity
            self.limits = limits
            self.usesOffload = usesOffload
            self.logKeys = logKeys
        }

        private func credentials() throws(CryptoError) -> QUICCredentials {
            try made.withLock { made throws(CryptoError) in
                if let made { return made }
                let fresh = try QUICCredentials(identity)
                made = fresh
                return fresh
            }
        }

        public func listen(
            on address: Address, loop: any EventLoop, accept: @escaping @Sendable (any Link) -> Void
        ) -> EventLoopFuture<any Listener> {
            guard let ip = address.ip,
                let target = try? SocketAddress(ipAddress: ip.description, port: Int(address.port))
            else { return loop.makeFailedFuture(LinkError.cannotBind("\(address.host) is not an IP address")) }
            let credentials: QUICCredentials
            do { credentials = try self.credentials() } catch {
                return loop.makeFailedFuture(LinkError.cannotBind("\(error)"))
            }
            let (limits, logKeys) = (limits, logKeys)
            return DatagramSocket.open(on: target, usesOffload: usesOffload, loop: loop)
                .flatMapErrorThrowing { throw LinkError.cannotBind("\(address): \(LinkError.reason(of: $0))") }
                .map { socket in
                    let endpoint = QUICEndpoint(
                        socket.value, credentials, limits, logKeys: logKeys, accept: accept)
                    return QUICListener(
                        endpoint: NIOLoopBound(endpoint, eventLoop: loop),
                        address: QUICEndpoint.address(socket.value.localAddress))
                }
        }

        public func dial(
            _ address: Address, loop: any EventLoop, timeout: Duration,
            completion: @escaping (Result<any Link, LinkError>) -> Void
        ) -> Dialling {
            guard let ip = address.ip,
                let target = try? SocketAddress(ipAddress: ip.description, port: Int(address.port))
            else {
                completion(.failure(.nameNotFound(address.host)))
                return Dialling {}
            }
            let credentials: QUICCredentials
            do { credentials = try self.credentials() } catch {
                completion(.failure(.unreachable("\(error)")))
                return Dialling {}
            }
            let dial = QUICDial(address, timeout: TimeAmount(timeout), loop: loop, completion)
            let (usesOffload, logKeys) = (usesOffload, logKeys)
            DatagramSocket.open(on: target, remote: target, usesOffload: usesOffload, loop: loop).assumeIsolated()
                .whenComplete {
                    result in
                    switch result {
                    case .success(let socket):
                        let endpoint = QUICEndpoint(
                            socket.value, credentials, Limits(deadline: timeout), logKeys: logKeys, accept: nil)
                        dial.start(endpoint, target)
                    case .failure(let error): dial.settle(.failure(.opening(error)))
                    }
                }
            return Dialling { dial.cancel() }
        }
    }

    private struct QUICListener: Listener {
        let endpoint: NIOLoopBound<QUICEndpoint>
        let address: Address

        func close() -> EventLoopFuture<Void> {
            let endpoint = endpoint
            return endpoint.eventLoop.submit { endpoint.value.stopListening() }
        }
    }

    /// A dial that ends once: by its connection, by an error, or because it was given up. Confined to its event loop.
    private final class QUICDial {
        private let address: Address
        private let loop: any EventLoop
        private var completion: ((Result<any Link, LinkError>) -> Void)?
        private var connection: QUICConnection?
        private var deadline: Scheduled<Void>?

        init(
            _ address: Address, timeout: TimeAmount, loop: any EventLoop,
            _ completion: @escaping (Result<any Link, LinkError>) -> Void
        ) {
            self.address = address
            self.loop = loop
            self.completion = completion
            deadline = loop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in self?.give(up: .timeout) }
        }

        func start(_ endpoint: QUICEndpoint, _ target: SocketAddress) {
            guard completion != nil else { return endpoint.stopListening() }
            do throws(LinkError) {
                let connection = try endpoint.dial(target, address.pinned(to: nil))
                self.connection = connection
                connection.onOutcome = { [self] in settle($0) }
                connection.pump()
            } catch {
                endpoint.stopListening()
                settle(.failure(error))
            }
        }

        func cancel() { give(up: .closedHere) }

        private func give(up error: LinkError) {
            guard completion != nil else { return }
            let connection = connection
            settle(.failure(error))
            connection?.close()
        }

        func settle(_ result: Result<any Link, LinkError>) {
            deadline?.cancel()
            connection = nil
            let completion = completion
            self.completion = nil
            completion?(result)
        }
    }
#else
    public import CarrierCrypto
    public import CarrierTransport
    public import CarrierWire
    public import NIOCore

    /// Stands where QUIC was left out of the build, and says so.
    public struct QUICTransport: Transport {
        public let scheme = Address.Scheme.quic
        private static let error = LinkError.unsupportedScheme(
            "quic, which was left out: build with the package trait QUIC")

        public init(
            identity: Identity, limits: Limits = Limits(), usesOffload: Bool = true,
            logKeys: (@Sendable (String) -> Void)? = nil
        ) {}

        public func listen(
            on address: Address, loop: any EventLoop, accept: @escaping @Sendable (any Link) -> Void
        ) -> EventLoopFuture<any Listener> {
            loop.makeFailedFuture(Self.error)
        }

        public func dial(
            _ address: Address, loop: any EventLoop, timeout: Duration,
            completion: @escaping (Result<any Link, LinkError>) -> Void
        ) -> Dialling {
            completion(.failure(Self.error))
            return Dialling {}
        }
    }
#endif

extension QUICTransport {
    /// What handshakes that others begin may cost.
    public struct Limits: Sendable, Hashable {
        /// Those under way at once; one more ends the oldest, and above half of them a dialler must first show that its
        /// address is its own. Default 32.
        public var halfOpen: Int
        /// One of them, as a whole. Default 10 s.
        public var deadline: Duration

        public init(halfOpen: Int = 32, deadline: Duration = .seconds(10)) {
            self.halfOpen = halfOpen
            self.deadline = deadline
        }
    }
}
