public import CarrierWire

/// A way to have ports mapped: UPnP, NAT-PMP, or one that an application brings.
public protocol PortMapper: Sendable {
    /// For records and texts: `upnp`, `natpmp`, …
    var name: String { get }
    /// Looks for a gateway. Ends in a few seconds, found or not, and at once when the task is cancelled.
    func find() async throws(NATError) -> any PortGateway
}

/// A router that was found and can be asked for mappings.
///
/// Every call ends within seconds whatever the router does, and at once when the task is cancelled. What a call returns
/// has been checked: ports, leases and addresses make sense.
public protocol PortGateway: Sendable {
    /// What is known of the router.
    var info: GatewayInfo { get }
    /// Makes a mapping, or renews it: the same request again starts the lease anew.
    func map(_ request: PortRequest) async throws(NATError) -> PortMapping
    /// Removes a mapping of this machine; one that is not there is removed already. Ends within 1.2 s. Throws
    /// `foreignMapping` where the external port belongs to another machine.
    func unmap(_ mapping: PortMapping) async throws(NATError)
    /// Whether the router is still the one it was, and what became of `mappings`.
    func check(_ mappings: [PortMapping]) async throws(NATError) -> GatewayCheck
    /// The router's whole table. Throws `cannotList` where the protocol has no such question.
    func list() async throws(NATError) -> [ListedMapping]
}

/// What is known of a gateway.
public struct GatewayInfo: Hashable, Sendable {
    /// The mapper that found it.
    public var mapper: String
    /// The router's address on this side.
    public var address: IPAddress
    /// Our own address, as the router sees it.
    public var localAddress: IPAddress
    /// The router's address on the other side; nil where it has or tells none.
    public var externalAddress: IPAddress?

    /// A router as it was found.
    public init(mapper: String, address: IPAddress, localAddress: IPAddress, externalAddress: IPAddress?) {
        self.mapper = mapper
        self.address = address
        self.localAddress = localAddress
        self.externalAddress = externalAddress
    }

    /// Whether the external address is one of the internet: false behind a second NAT.
    public var externalIsPublic: Bool { externalAddress?.scope == .global }
}

/// What a gateway says when asked how it is.
public struct GatewayCheck: Hashable, Sendable {
    /// The router's address on the other side; nil where it has or tells none.
    public var externalAddress: IPAddress?
    /// The router's seconds since it lost its table, where the protocol tells (NAT-PMP).
    public var epoch: UInt32?
    /// Which of the mappings are gone.
    public var missing: [PortMapping]

    /// What a look at the router brought.
    public init(externalAddress: IPAddress?, epoch: UInt32? = nil, missing: [PortMapping] = []) {
        self.externalAddress = externalAddress
        self.epoch = epoch
        self.missing = missing
    }
}

extension IPAddress {
    /// What a router may call its external address; nil for 0.0.0.0, which says that it has none.
    static func external(_ address: IPAddress, from gateway: IPAddress) throws(NATError) -> IPAddress? {
        if case .v4(0) = address { return nil }
        switch address.scope {
        case .global, .privateNetwork: return address
        case .unusable, .loopback, .linkLocal:
            throw .invalidAnswer(gateway, expected: "an external address", got: "\(address)")
        }
    }
}
