public import CarrierCrypto
public import CarrierWire

/// How joining goes.
public enum JoinNotice: Notice {
    /// No bootstrap peer could be reached, each with its reason; the node tries again later. Also with an empty list,
    /// when there is no bootstrap address and no contact to begin with.
    case unreachable([Failure])
    /// The node knows its neighbours: its first lookup of itself has ended. Lookups have somewhere to begin.
    case joined(contacts: Int)
    /// The farther buckets have been filled, too. Broadcasts reach everybody.
    case settled(contacts: Int)

    /// A bootstrap address that led nowhere.
    public struct Failure: Hashable, Sendable {
        public let address: Address
        public let error: RequestError
    }
}

/// A lookup that the application asked for is over.
public struct LookupFinished: Notice {
    /// What `Discovery.lookup` returned.
    public let ticket: Ticket
    public let result: LookupResult
}

/// A query of a lookup that the application wants to see, as it happens.
public struct LookupTraced: Notice {
    public enum Event: Sendable {
        case query(to: PeerID, distanceBits: Int)
        /// How many records the answer held that passed the checks.
        case response(from: PeerID, roundTrip: Duration, peers: Int)
        case failure(of: PeerID, RequestError)
    }

    public let ticket: Ticket
    /// From 1 on.
    public let path: Int
    /// From 1 on.
    public let hop: Int
    public let event: Event
}
