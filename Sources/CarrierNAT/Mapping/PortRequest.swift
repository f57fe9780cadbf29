/// The transport whose ports a mapping joins.
public enum PortTransport: String, Hashable, Sendable, CaseIterable {
    /// Streams.
    case tcp
    /// Datagrams.
    case udp
}

/// A wish: connections to a port of the router shall come to a port of this machine.
public struct PortRequest: Hashable, Sendable {
    /// TCP or UDP.
    public var transport: PortTransport
    /// The port on this machine, 1 to 65535.
    public var internalPort: UInt16
    /// The router's port that is asked for. A NAT-PMP router may grant another one.
    public var externalPort: UInt16
    /// Whether to look for another external port where that one is taken (UPnP; NAT-PMP routers do so by themselves).
    public var mayMove: Bool
    /// How long the router shall keep the mapping without a renewal, in whole seconds, at most seven days; an hour by
    /// default. The router may grant less or more.
    public var lease: Duration

    /// A wish for one port.
    ///
    /// - Parameters:
    ///   - transport: TCP or UDP.
    ///   - internalPort: the port on this machine.
    ///   - externalPort: by default the same as `internalPort`.
    ///   - mayMove: whether another external port will do. Default no.
    ///   - lease: how long without a renewal. Default an hour.
    public init(
        _ transport: PortTransport, _ internalPort: UInt16, externalPort: UInt16? = nil, mayMove: Bool = false,
        lease: Duration = .seconds(3600)
    ) {
        self.transport = transport
        self.internalPort = internalPort
        self.externalPort = externalPort ?? internalPort
        self.mayMove = mayMove
        self.lease = lease
    }

    /// The lease as routers count it: seconds, 1 to a week.
    var leaseSeconds: UInt32 { UInt32(clamping: min(max(lease.components.seconds, 1), 604_800)) }
}
