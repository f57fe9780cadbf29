public import CarrierCrypto
public import CarrierProtocols
public import CarrierWire

/// Identities for a simulation, in the order of their node ids, and the routing tables that they would have after a long
/// life.
public struct Overlay: Sendable {
    public struct Member: Sendable {
        public let identity: Identity
        public let verified: VerifiedRecord
        public let ip: IPAddress?
    }

    /// By node id.
    public let members: [Member]
    private let ids: [NodeID]

    /// Makes so many identities with real keys and signatures and no puzzles.
    public init(_ count: Int, _ verifier: SharedVerifier, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var members: [Member] = []
        members.reserveCapacity(count)
        for index in 0..<count {
            let seed = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
            let identity = Identity(
                key: try Ed25519.SigningKey(seed: SecretBytes(seed)), puzzleNonce: Bytes32(random: &random))
            let ip = Self.publicIP(&random)
            let record = try PeerRecord(
                signedBy: identity, sequence: UInt64(index + 1), addresses: ["tcp://\(ip):4000"])
            guard let verified = verifier.verify(record) else { continue }
            members.append(Member(identity: identity, verified: verified, ip: ip))
        }
        members.sort { $0.verified.nodeID < $1.verified.nodeID }
        self.members = members
        ids = members.map(\.verified.nodeID)
    }

    private static func publicIP(_ random: inout SeededRandom) -> IPAddress {
        while true {
            let ip = IPAddress.v4(UInt32.random(in: 0x0100_0000...0xdfff_ffff, using: &random))
            if ip.scope == .global { return ip }
        }
    }

    /// The members that lie in a bucket of a place, as a range of `members`.
    public func range(ofBucket number: Int, around own: NodeID) -> Range<Int> {
        var low = own.bytes.array
        let byte = 31 - number / 8
        low[byte] ^= 1 << UInt8(number % 8)
        var high = low
        let mask = UInt8((1 << (number % 8)) - 1)
        low[byte] &= ~mask
        high[byte] |= mask
        for index in 0..<32 where index > byte { (low[index], high[index]) = (0, 255) }
        guard let low = Bytes32(low), let high = Bytes32(high) else { return 0..<0 }
        let first = lowerBound { $0.bytes < low }
        return first..<max(first, lowerBound { $0.bytes <= high })
    }

    private func lowerBound(_ isBefore: (NodeID) -> Bool) -> Int {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(ids[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The members nearest to a place, nearest first, among those that `condition` lets through.
    public func nearest(_ target: NodeID, _ count: Int, where condition: (Int) -> Bool = { _ in true }) -> [Int] {
        var found: [Int] = []
        let place = lowerBound { $0 < target }
        // The longest common prefix is that of a neighbour in the order: nobody lies in a nearer bucket.
        var number = 256
        for index in [place - 1, place, place + 1] where ids.indices.contains(index) {
            if let bucket = target.bucket(of: ids[index]) { number = min(number, bucket) }
        }
        if place < ids.count, ids[place] == target, condition(place) { found.append(place) }
        // Bucket by bucket outwards: each is farther than all before it.
        while number < 256, found.count < count {
            found += range(ofBucket: number, around: target).filter(condition).sorted {
                ids[$0].distance(to: target) < ids[$1].distance(to: target)
            }
            number += 1
        }
        return Array(found.prefix(count))
    }

    /// Fills a table through its own rules: every neighbour that has a place among the siblings, and of each farther
    /// bucket as many by chance as it holds.
    public func fill(_ table: inout RoutingTable, now: Instant, using random: inout SeededRandom) {
        var offered = 0
        for number in 200..<256 {
            let range = range(ofBucket: number, around: table.own)
            let isNear = offered < table.limits.siblings
            offered += range.count
            var chosen: [Int] = Array(range)
            if !isNear || range.count > table.limits.siblings + table.limits.bucketSize {
                chosen = []
                // Where the siblings end inside this bucket, its nearest ones belong to them.
                if isNear { chosen = nearest(table.own, table.limits.siblings + 1) }
                // A few more than fit, for those that the diversity limits turn away.
                for _ in 0..<min(range.count, table.limits.bucketSize + 4) {
                    chosen.append(Int.random(in: range, using: &random))
                }
            }
            for index in chosen {
                let member = members[index]
                _ = table.observe(member.verified, .answered, at: member.ip, reach: .internet, now: now)
            }
        }
    }
}
