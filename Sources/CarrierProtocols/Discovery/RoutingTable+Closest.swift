public import CarrierCrypto

extension RoutingTable {
    /// The contacts closest to a place, closest first.
    ///
    /// - Parameters:
    ///   - target: the place.
    ///   - count: at most so many.
    ///   - includingSuspects: whether those that did not answer last time fill up what is missing.
    ///   - condition: which contacts count.
    public func closest(
        to target: NodeID, count: Int, includingSuspects: Bool = false,
        where condition: (Contact) -> Bool = { _ in true }
    ) -> [Contact] {
        var best = Nearest(target, count)
        forEach { if !$0.isSuspect, condition($0) { best.offer($0) } }
        guard includingSuspects, best.found.count < count else { return best.contacts }
        var suspects = Nearest(target, count - best.found.count)
        forEach { if $0.isSuspect, condition($0) { suspects.offer($0) } }
        return best.contacts + suspects.contacts
    }

    /// Keeps the nearest of many in order, without sorting them all.
    private struct Nearest {
        let target: NodeID
        let limit: Int
        var found: [(distance: Bytes32, contact: Contact)] = []

        init(_ target: NodeID, _ limit: Int) {
            self.target = target
            self.limit = max(0, limit)
            found.reserveCapacity(min(self.limit, 64) + 1)
        }

        var contacts: [Contact] { found.map(\.contact) }

        @inline(__always)
        mutating func offer(_ contact: Contact) {
            let distance = contact.nodeID.distance(to: target)
            if found.count >= limit {
                guard let last = found.last, distance < last.distance else { return }
                found.removeLast()
            }
            var index = found.count
            while index > 0, distance < found[index - 1].distance { index -= 1 }
            found.insert((distance, contact), at: index)
        }
    }

    /// The contacts of one bucket, siblings included.
    public func contacts(inBucket number: Int) -> [Contact] {
        var found: [Contact] = []
        for contact in siblings where own.bucket(of: contact.nodeID) == number { found.append(contact) }
        if buckets.indices.contains(255 - number) { found += buckets[255 - number].contacts }
        return found
    }

    /// The numbers of the buckets below `height` that have contacts, siblings included; farthest first.
    public func occupiedBuckets(below height: Int = 256) -> [Int] {
        var isOccupied = [Bool](repeating: false, count: 256)
        for contact in siblings {
            if let number = own.bucket(of: contact.nodeID) { isOccupied[number] = true }
        }
        for (index, bucket) in buckets.enumerated() where !bucket.contacts.isEmpty { isOccupied[255 - index] = true }
        return stride(from: min(height, 256) - 1, through: 0, by: -1).filter { isOccupied[$0] }
    }

    /// How many places a bucket has left, not counting siblings.
    public func room(inBucket number: Int) -> Int {
        guard buckets.indices.contains(255 - number) else { return limits.bucketSize }
        return max(0, limits.bucketSize - buckets[255 - number].contacts.count)
    }

    /// So many different contacts by chance, of those that are wanted; suspects are left out.
    public func random(
        _ number: Int, using generator: inout some RandomNumberGenerator,
        where isWanted: (Contact) -> Bool = { _ in true }
    ) -> [Contact] {
        var picked: [Contact] = []
        var seen = 0
        // Reservoir sampling: one pass, no copy of the table.
        forEach { contact in
            guard !contact.isSuspect, number > 0, isWanted(contact) else { return }
            seen += 1
            if picked.count < number {
                picked.append(contact)
            } else {
                let index = Int.random(in: 0..<seen, using: &generator)
                if index < number { picked[index] = contact }
            }
        }
        return picked
    }

    /// A place by chance whose distance lies in a bucket.
    public func randomID(inBucket number: Int, using generator: inout some RandomNumberGenerator) -> NodeID {
        let number = min(max(0, number), 255)
        var bytes = own.bytes.array
        let noise = Bytes32(random: &generator).array
        let byte = 31 - number / 8
        let bit = UInt8(1) << UInt8(number % 8)
        bytes[byte] = (bytes[byte] ^ bit) ^ (noise[byte] & (bit - 1))
        for index in (byte + 1)..<33 where index < 32 { bytes[index] = noise[index] }
        return NodeID(Bytes32(bytes) ?? own.bytes)
    }
}
