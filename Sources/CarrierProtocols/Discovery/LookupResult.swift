public import CarrierCrypto
public import CarrierWire

/// What a lookup found.
public struct LookupResult: Sendable {
    /// One path's word on the target.
    public struct Sighting: Sendable {
        /// The target's record, as this path told it.
        public let record: VerifiedRecord
        /// Where the one who named it stood.
        public let reach: Reach
        /// From 1 on; 0 is our own table.
        public let path: Int
        /// The target as a hop of that path: one more than the node that named it.
        public let hop: Int
    }

    /// A node near the target.
    public struct Neighbour: Sendable {
        /// The node, by its newest record.
        public let node: VerifiedRecord
        /// Where it can be dialled, as it published them and pinned to it; without those that nobody who told us may tell.
        public let addresses: [Address]
        /// How many paths named it; 0 for one that only we knew.
        public let pathsAgreeing: Int
    }

    /// One address of the target.
    public struct FoundAddress: Hashable, Sendable {
        /// As the target published it, pinned to the target.
        public let address: Address
        /// How many paths named a record with this address.
        public let pathsAgreeing: Int
        /// Whether the target answered there; nil when nobody tried.
        public internal(set) var isVerified: Bool?
    }

    /// What was looked for.
    public let target: NodeID
    /// What each path that found the target says of it.
    public let sightings: [Sighting]
    /// The nodes that answered, nearest to the target first; for `via`, all that the node told.
    public let closest: [Neighbour]
    /// How many paths there were, our own table included if it held the target.
    public let paths: Int
    /// How many nodes were asked.
    public let queries: Int
    /// How many of them answered.
    public let answers: Int
    /// How many of them did not, or could not be asked.
    public let failures: Int
    /// From the first question on.
    public let elapsed: Duration
    /// The addresses at which the target was dialled and answered, or not.
    var verdicts: [Address: Bool] = [:]

    /// The newest record of the target; nil: not found.
    public var found: VerifiedRecord? {
        sightings.map(\.record).max { $0.record.sequence < $1.record.sequence }
    }

    /// How many paths found the target.
    public var pathsAgreeing: Int { Set(sightings.map(\.path)).count }

    /// The least number of hops to the target; nil: not found.
    public var hops: Int? { sightings.map(\.hop).min() }

    /// Where the target can be dialled, best first: verified ones, then by how many paths name them.
    public var addresses: [FoundAddress] {
        guard let found else { return [] }
        let told = sightings.map { (path: $0.path, addresses: $0.record.record.usable(toldAt: $0.reach)) }
        let listed = found.record.usable(toldAt: .loopback).compactMap { address -> FoundAddress? in
            let paths = Set(told.filter { $0.addresses.contains(address) }.map(\.path))
            guard !paths.isEmpty else { return nil }
            return FoundAddress(address: address, pathsAgreeing: paths.count, isVerified: verdicts[address])
        }
        func rank(_ address: FoundAddress) -> (Int, Int) {
            (address.isVerified == true ? 0 : address.isVerified == nil ? 1 : 2, -address.pathsAgreeing)
        }
        return listed.enumerated().sorted {
            let (left, right) = (rank($0.element), rank($1.element))
            return left == right ? $0.offset < $1.offset : left < right
        }.map(\.element)
    }
}
