public import CarrierWire

/// A mapping that a router has granted.
public struct PortMapping: Hashable, Sendable {
    /// An address and a port.
    public struct End: Hashable, Sendable, CustomStringConvertible {
        /// Nil where the router does not know its address.
        public var address: IPAddress?
        /// 1 to 65535.
        public var port: UInt16

        /// An address with a port.
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
    /// TCP or UDP.
    public var transport: PortTransport
    /// Where connections arrive on this side.
    public var internalEnd: End
    /// What the world dials.
    public var externalEnd: End
    /// How long the router keeps the mapping without a renewal; nil: until it is removed.
    public var lease: Duration?

    /// A mapping as the router granted it.
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
    /// The mapping.
    public var mapping: PortMapping
    /// What its maker called it; not to be trusted, control characters included.
    public var note: String

    /// A line of the router's table.
    public init(_ mapping: PortMapping, note: String) {
        self.mapping = mapping
        self.note = note
    }
}
