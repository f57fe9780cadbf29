public import CarrierWire

/// Maps ports with NAT-PMP (RFC 6886), over libnatpmp.
public struct NATPMPMapper: PortMapper {
    /// The router to ask; nil, the default, for the default route's.
    public var gateway: IPAddress?
    /// How long to wait for an answer, 4 s by default.
    public var patience: Duration

    /// Asks this router, by default the default route's, so long at most.
    public init(gateway: IPAddress? = nil, patience: Duration = .seconds(4)) {
        self.gateway = gateway
        self.patience = patience
    }

    public var name: String { Self.name }
    static let name = "natpmp"

    public func find() async throws(NATError) -> any PortGateway {
        let wanted = gateway
        let info = try await onOwnThread(limit: patience) { patience throws(NATError) in
            var session = try NATPMPSession(gateway: wanted, mapper: Self.name)
            return GatewayInfo(
                mapper: Self.name, address: session.gateway,
                localAddress: try .local(toward: session.gateway),
                externalAddress: try session.externalAddress(patience).address)
        }
        return NATPMPGateway(info: info, patience: patience)
    }
}

/// A router that speaks NAT-PMP.
struct NATPMPGateway: PortGateway {
    let info: GatewayInfo
    let patience: Duration

    func map(_ request: PortRequest) async throws(NATError) -> PortMapping {
        let (answer, _) = try await ask(
            .mapping(
                request.transport, internalPort: request.internalPort, externalPort: request.externalPort,
                lifetime: request.leaseSeconds), patience)
        guard case .mapping(let port, let lifetime) = answer else {
            throw .invalidAnswer(info.address, expected: "a mapping", got: "an address")
        }
        return PortMapping(
            mapper: NATPMPMapper.name, transport: request.transport,
            internalEnd: .init(info.localAddress, request.internalPort),
            externalEnd: .init(info.externalAddress, port), lease: .seconds(Int64(lifetime)))
    }

    func unmap(_ mapping: PortMapping) async throws(NATError) {
        _ = try await ask(
            .mapping(mapping.transport, internalPort: mapping.internalEnd.port, externalPort: 0, lifetime: 0),
            min(patience, .milliseconds(1000)))
    }

    func check(_ mappings: [PortMapping]) async throws(NATError) -> GatewayCheck {
        let address = info.address
        let (external, epoch) = try await onOwnThread(limit: patience) { patience throws(NATError) in
            var session = try NATPMPSession(gateway: address, mapper: NATPMPMapper.name)
            return try session.externalAddress(patience)
        }
        return GatewayCheck(externalAddress: external, epoch: epoch)
    }

    func list() async throws(NATError) -> [ListedMapping] { throw .cannotList(mapper: NATPMPMapper.name) }

    private func ask(
        _ question: NATPMPQuestion, _ limit: Duration
    ) async throws(NATError) -> (NATPMPAnswer, epoch: UInt32) {
        let address = info.address
        return try await onOwnThread(limit: limit) { patience throws(NATError) in
            var session = try NATPMPSession(gateway: address, mapper: NATPMPMapper.name)
            return try session.ask(question, patience)
        }
    }
}

extension NATPMPSession {
    /// The gateway's external address; nil where it has none.
    fileprivate mutating func externalAddress(
        _ patience: Patience
    ) throws(NATError) -> (address: IPAddress?, epoch: UInt32?) {
        do throws(NATError) {
            let (answer, epoch) = try ask(.publicAddress, patience)
            guard case .publicAddress(let bits) = answer else {
                throw .invalidAnswer(gateway, expected: "an address", got: "a mapping")
            }
            return (try .external(.v4(bits), from: gateway), epoch)
        } catch .noPublicAddress {
            // It speaks the protocol; only its line is not what it should be.
            return (nil, nil)
        }
    }
}
