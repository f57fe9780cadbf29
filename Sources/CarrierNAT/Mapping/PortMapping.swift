public import CarrierWire

/// A mapping that a router has granted.
public struct PortMapping: Hashable, Sendable {
    /// An address and a port.
    public struct End: Hashable, Sendable, CustomStringConvertible {
        /// Nil where the router does not know its address.
        public var address: IPAddress?
        public var port: UInt16

        public init(_ address: IPAddress?, _ port: UInt16) {
            self.address = address
            self.port = port
        }

        public var description: String {
            switch address {
            case .v4: "\(address.map(String.init(describing:)) ?? ""):\(port)"
            case .v6: "[\(address.map(String.init(describing:)) ?? "")]:\(port)"
            case nil: "?:\(port)"
            }
        }
    }

    /// Which mapper made it: `natpmp`, `upnp`, or an application's.
    public var mapper: String
    public var transport: PortTransport
    /// Where connections arrive on this side.
    public var internalEnd: End
    /// What the world dials.
    public var externalEnd: End
    /// How long the router keeps the mapping without a renewal; nil: until it is removed.
    public var lease: Duration?

    public init(
        mapper: String, transport: PortTransport, internalEnd: End, externalEnd: End, lease: Duration?
    ) {
        self.mapper = mapper
        self.transport = transport
        self.internalEnd = internalEnd
        self.externalEnd = externalEnd
        self.lease = lease
    }

    /// Whether the external address can be reached from the internet: false behind a second NAT.
    public var isPublic: Bool { externalEnd.address?.scope == .global }
}

/// A line of a router's table, whoever made it.
public struct ListedMapping: Hashable, Sendable {
    public var mapping: PortMapping
    /// What its maker called it; not to be trusted, control characters included.
    public var note: String

    public init(_ mapping: PortMapping, note: String) {
        self.mapping = mapping
        self.note = note
    }
}
