internal import CarrierWire

/// A router that speaks UPnP, by one of its services.
struct UPnPGateway: PortGateway {
    let info: GatewayInfo
    let service: UPnPService
    let callPatience: Duration

    /// Asks for the external address, so that `info` is complete.
    init(
        _ service: UPnPService, _ address: IPAddress, _ local: IPAddress, _ patience: Patience, _ callPatience: Duration
    ) throws(NATError) {
        self.service = service
        self.callPatience = callPatience
        let external = try UPnPCalls(service: service, gateway: address, local: local, patience).externalAddress()
        info = GatewayInfo(
            mapper: UPnPMapper.name, address: address, localAddress: local, externalAddress: external)
    }

    func map(_ request: PortRequest) async throws(NATError) -> PortMapping {
        let external = info.externalAddress
        return try await calls(callPatience) { calls throws(NATError) in
            var mapping = try calls.map(request)
            mapping.externalEnd.address = external
            return mapping
        }
    }

    func unmap(_ mapping: PortMapping) async throws(NATError) {
        try await calls(min(callPatience, .milliseconds(1000))) { calls throws(NATError) in
            try calls.unmap(mapping)
        }
    }

    func check(_ mappings: [PortMapping]) async throws(NATError) -> GatewayCheck {
        try await calls(callPatience) { calls throws(NATError) in
            let external = try calls.externalAddress()
            var missing: [PortMapping] = []
            for mapping in mappings where try !calls.has(mapping) { missing.append(mapping) }
            return GatewayCheck(externalAddress: external, missing: missing)
        }
    }

    func list() async throws(NATError) -> [ListedMapping] {
        let external = info.externalAddress
        return try await calls(callPatience + .seconds(4)) { calls throws(NATError) in
            try calls.list(externalAddress: external)
        }
    }

    private func calls<Value: Sendable>(
        _ limit: Duration, _ work: @escaping @Sendable (UPnPCalls) throws(NATError) -> Value
    ) async throws(NATError) -> Value {
        let (service, info) = (service, info)
        return try await onOwnThread(limit: limit) { patience throws(NATError) in
            try work(UPnPCalls(service: service, gateway: info.address, local: info.localAddress, patience))
        }
    }
}
