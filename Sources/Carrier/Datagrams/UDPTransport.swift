internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import NIOCore

/// Sessions over UDP (carrier-wire(7) §6), one frame a datagram. The transport shakes hands itself, with its node's terms: a
/// link stands with its session.
struct UDPTransport: Transport {
    let scheme = Address.Scheme.udp
    private let environment: NIOLoopBound<SessionEnvironment>

    init(_ environment: SessionEnvironment) {
        self.environment = NIOLoopBound(environment, eventLoop: environment.loop)
    }

    func listen(
        on address: Address, loop: any EventLoop, accept: @escaping @Sendable (any Link) -> Void
    ) -> EventLoopFuture<any Listener> {
        guard let ip = address.ip, let target = try? SocketAddress(ipAddress: ip.description, port: Int(address.port))
        else { return loop.makeFailedFuture(LinkError.cannotBind("\(address.host) is not an IP address")) }
        let environment = environment
        return DatagramSocket.open(on: target, usesOffload: false, loop: loop)
            .flatMapThrowing { socket in
                let endpoint = try UDPEndpoint(socket.value, environment.value, accept: accept)
                return UDPListener(
                    endpoint: NIOLoopBound(endpoint, eventLoop: loop), address: endpoint.localAddress)
            }
            .flatMapErrorThrowing { throw LinkError.cannotBind("\(address): \(LinkError.reason(of: $0))") }
    }

    func dial(
        _ address: Address, loop: any EventLoop, timeout: Duration,
        completion: @escaping (Result<any Link, LinkError>) -> Void
    ) -> Dialling {
        guard let ip = address.ip, let target = try? SocketAddress(ipAddress: ip.description, port: Int(address.port))
        else {
            completion(.failure(.nameNotFound(address.host)))
            return Dialling {}
        }
        let dial = UDPDial(completion)
        let environment = environment
        DatagramSocket.open(on: target, remote: target, usesOffload: false, loop: loop).assumeIsolated().whenComplete {
            result in
            do {
                let socket = try result.get().value
                let endpoint = try UDPEndpoint(socket, environment.value, accept: nil)
                dial.start(endpoint, address, timeout: timeout)
            } catch { dial.settle(.failure(.opening(error))) }
        }
        return Dialling { dial.cancel() }
    }
}

private struct UDPListener: Listener {
    let endpoint: NIOLoopBound<UDPEndpoint>
    let address: Address

    func close() -> EventLoopFuture<Void> {
        let endpoint = endpoint
        return endpoint.eventLoop.submit { endpoint.value.stopListening() }
    }
}

/// A dial that ends once. Confined to its event loop.
private final class UDPDial {
    private var completion: ((Result<any Link, LinkError>) -> Void)?
    private var endpoint: UDPEndpoint?

    init(_ completion: @escaping (Result<any Link, LinkError>) -> Void) { self.completion = completion }

    func start(_ endpoint: UDPEndpoint, _ address: Address, timeout: Duration) {
        guard completion != nil else { return endpoint.stopListening() }
        self.endpoint = endpoint
        endpoint.dial(address, timeout: timeout) { [self] in settle($0) }
    }

    func cancel() {
        let endpoint = endpoint
        settle(.failure(.closedHere))
        endpoint?.stopListening()
    }

    func settle(_ result: Result<any Link, LinkError>) {
        endpoint = nil
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}
