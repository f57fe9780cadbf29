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
        /// Where somebody was expected.
        public let address: Address
        /// What went wrong.
        public let error: RequestError
    }
}

/// A lookup that the application asked for is over.
public struct LookupFinished: Notice {
    /// What `Discovery.lookup` returned.
    public let ticket: Ticket
    /// What was found, and at what cost.
    public let result: LookupResult
}

/// A query of a lookup that the application wants to see, as it happens.
public struct LookupTraced: Notice {
    /// What happened to a query.
    public enum Event: Sendable {
        /// A question.
        ///
        /// - Parameters:
        ///   - distanceBits: how far the node is from the target: the number of bits from the first differing one on.
        ///   - namedBy: who told us of the node; nil: our own table.
        case query(to: PeerID, distanceBits: Int, namedBy: PeerID?)
        /// An answer.
        ///
        /// - Parameters:
        ///   - peers: how many records it held that passed the checks.
        ///   - namesTarget: whether the target's was among them.
        case response(from: PeerID, roundTrip: Duration, peers: Int, namesTarget: Bool)
        /// No answer, or one that is none.
        case failure(of: PeerID, RequestError)
    }

    /// What `Discovery.lookup` returned.
    public let ticket: Ticket
    /// From 1 on.
    public let path: Int
    /// From 1 on.
    public let hop: Int
    /// What happened.
    public let event: Event
}
