public import CarrierCrypto
internal import CarrierWire

/// The peers that a node knows, after S/Kademlia (Baumgart & Mies 2007, §4): the nearest ones in a sorted sibling list, all
/// others in k-buckets by their distance.
///
/// The sibling list holds the nearest contacts of all; a bucket holds contacts that are farther than every sibling. A contact
/// is in one of the two.
public struct RoutingTable: Sendable {
    /// How much a table holds.
    public struct Limits: Hashable, Sendable {
        /// k: contacts in a bucket. Default 16.
        public var bucketSize = 16
        /// Contacts in the sibling list. Default 80.
        public var siblings = 80
        /// Contacts of one bucket in one IPv4 /24 or IPv6 /48. Default 2.
        public var subnetInBucket = 2
        /// Contacts of the table in one such subnet. Default 10.
        public var subnetInTable = 10
        /// Contacts that wait for a place in a full bucket. Default 10.
        public var replacements = 10
        /// Failures in a row after which a contact goes. Default 5.
        public var failures: UInt8 = 5
        /// Unsolicited contacts must differ in more than so many bits from the first differing one on. Default 32.
        public var nearBits = 32

        /// The defaults.
        public init() {}
    }

    /// How a contact became known.
    public enum Provenance: Sendable {
        /// It answered a request of ours.
        case answered
        /// It asked us.
        case asked
    }

    /// What became of an observation.
    public enum Outcome: Hashable, Sendable {
        /// The contact was there; it counts as alive now.
        case known
        /// The contact has a place now.
        case inserted
        /// Its bucket is full: it waits, and the oldest contact should be asked whether it is still there.
        case waiting(PeerID)
        /// It would be near to us and has not answered a request of ours: ask it something first.
        case unproven
        /// No place for it.
        case refused(Refusal)
    }

    /// Why a contact has no place.
    public enum Refusal: Hashable, Sendable {
        /// This node itself.
        case ourselves
        /// It publishes no address.
        case client
        /// Too near to us for one that nobody asked for.
        case tooNear
        /// Too many contacts of its subnet in its bucket.
        case subnetInBucket
        /// Too many contacts of its subnet in the table.
        case subnetInTable
    }

    struct Bucket: Sendable {
        /// Heard of longest ago first.
        var contacts: [Contact] = []
        /// Longest waiting first.
        var replacements: [Contact] = []
    }

    /// This node's place.
    public let own: NodeID
    /// How much it holds, and of whom.
    public let limits: Limits
    /// Nearest first.
    public internal(set) var siblings: [Contact] = []
    /// The bucket at index i has the number 255 - i: farthest first, as long as the deepest one in use.
    var buckets: [Bucket] = []
    /// How many contacts there are.
    public internal(set) var count = 0

    /// An empty table around a place.
    public init(own: NodeID, limits: Limits = Limits()) {
        self.own = own
        self.limits = limits
        // As it grows an array takes up to twice what it needs; this one is full in any network that is not tiny, and holds
        // one too many while another takes its place.
        siblings.reserveCapacity(limits.siblings + 1)
    }

    // MARK: Looking

    enum Place: Equatable {
        case sibling(Int)
        case bucket(Int, Int)
    }

    func place(of node: NodeID) -> Place? {
        let distance = own.distance(to: node)
        let index = siblingIndex(distance)
        if index < siblings.count, siblings[index].nodeID == node { return .sibling(index) }
        guard let number = own.bucket(of: node), buckets.indices.contains(255 - number),
            let position = buckets[255 - number].contacts.firstIndex(where: { $0.nodeID == node })
        else { return nil }
        return .bucket(255 - number, position)
    }

    /// Where a sibling with this distance stands or would stand.
    func siblingIndex(_ distance: Bytes32) -> Int {
        var low = 0
        var high = siblings.count
        while low < high {
            let middle = (low + high) / 2
            if own.distance(to: siblings[middle].nodeID) < distance { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The contact with this id, if there is one.
    public func contact(_ node: NodeID) -> Contact? {
        switch place(of: node) {
        case .sibling(let index): siblings[index]
        case .bucket(let bucket, let index): buckets[bucket].contacts[index]
        case nil: nil
        }
    }

    /// Calls `body` with every contact.
    @inline(__always)
    func forEach(_ body: (Contact) -> Void) {
        for contact in siblings { body(contact) }
        for bucket in buckets {
            for contact in bucket.contacts { body(contact) }
        }
    }

    /// Every contact: the nearest ones first, then by bucket.
    public var contacts: [Contact] {
        var all: [Contact] = []
        all.reserveCapacity(count)
        forEach { all.append($0) }
        return all
    }

    /// Whether this contact stands among the siblings.
    func isSibling(_ node: NodeID) -> Bool {
        if case .sibling = place(of: node) { true } else { false }
    }

    /// Whether a contact at this distance would stand among the siblings.
    public func wouldBeSibling(_ node: NodeID) -> Bool {
        guard let last = siblings.last, siblings.count >= limits.siblings else { return limits.siblings > 0 }
        return own.distance(to: node) < own.distance(to: last.nodeID)
    }
}
