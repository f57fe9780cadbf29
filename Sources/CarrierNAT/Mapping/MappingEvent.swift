/// What became of mappings, in the order in which it happened.
public enum MappingEvent: Hashable, Sendable {
    /// Which gateway is used from here on.
    case gateway(GatewayInfo)
    /// A port is mapped: for the first time, or again after it was lost.
    case mapped(PortMapping)
    /// A mapping that is held is not quite what it was.
    case changed(PortMapping, from: PortMapping, why: MappingChange)
    /// A mapping is gone; it will be made anew as soon as the gateway lets us.
    case lost(PortMapping, why: MappingLoss)
    /// A mapping has been removed from the router.
    case released(PortMapping)
    /// A mapping could not be removed; it ends by itself when its lease does.
    case notReleased(PortMapping, NATError)
    /// Something failed; `request` is nil where it concerns all ports. It is tried again.
    case failed(PortRequest?, NATError)
}

/// Why a mapping changed.
public enum MappingChange: String, Hashable, Sendable {
    /// The router has another external address.
    case address
    /// The router granted another external port.
    case port
    /// The router granted another lease.
    case lease
    /// The router lost its table, and the mapping was made again.
    case restart
}

/// Why a mapping was lost.
public enum MappingLoss: String, Hashable, Sendable {
    /// Its lease ended before it could be renewed.
    case expired
    /// The router does not know it any more.
    case missing
}
