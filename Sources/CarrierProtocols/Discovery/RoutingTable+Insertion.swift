public import CarrierCrypto
public import CarrierWire

extension RoutingTable {
    /// Notes that a peer is alive and, where the rules allow, gives it a place.
    ///
    /// - Parameters:
    ///   - verified: the peer, by its record.
    ///   - provenance: how the peer became known; decides whether it may enter.
    ///   - ip: where it was met, for the diversity limits; what it says about itself does not count.
    ///   - reach: where it stands, or the one who told us of it.
    ///   - now: when that was.
    public mutating func observe(
        _ verified: VerifiedRecord, _ provenance: Provenance, at ip: IPAddress?, reach: Reach, now: Instant
    ) -> Outcome {
        guard let number = own.bucket(of: verified.nodeID) else { return .refused(.ourselves) }
        guard !verified.isClient else {
            remove(verified.nodeID)
            return .refused(.client)
        }
        if let place = place(of: verified.nodeID) {
            touch(place, verified, provenance, now)
            return .known
        }
        if provenance == .asked {
            if number < limits.nearBits { return .refused(.tooNear) }
            if wouldBeSibling(verified.nodeID) { return .unproven }
        }
        return insert(Contact(verified, subnet: Subnet(ip), reach: reach, now: now), number)
    }

    /// A peer did not answer. Failures within a second count once, so that one silence seen by many does not evict.
    ///
    /// - Returns: whether the contact had too many and is gone.
    @discardableResult
    public mutating func failed(_ node: NodeID, now: Instant) -> Bool {
        guard let place = place(of: node) else { return false }
        var isGone = false
        let limit = limits.failures
        update(place) { contact in
            guard contact.failures == 0 || now - contact.changed >= .seconds(1) else { return }
            contact.failures &+= 1
            contact.changed = now
            isGone = contact.failures >= limit
        }
        if isGone { remove(node) }
        return isGone
    }

    /// Takes a contact out and fills its place with one that waits.
    public mutating func remove(_ node: NodeID) {
        switch place(of: node) {
        case .sibling(let index):
            siblings.remove(at: index)
            count -= 1
            promoteSibling()
        case .bucket(let bucket, let index):
            buckets[bucket].contacts.remove(at: index)
            count -= 1
            promoteReplacement(bucket)
        case nil: break
        }
    }

    private mutating func update(_ place: Place, _ body: (inout Contact) -> Void) {
        switch place {
        case .sibling(let index): body(&siblings[index])
        case .bucket(let bucket, let index): body(&buckets[bucket].contacts[index])
        }
    }

    private mutating func touch(
        _ place: Place, _ verified: VerifiedRecord, _ provenance: Provenance, _ now: Instant
    ) {
        update(place) { contact in
            if verified.record.sequence > contact.record.sequence { contact.verified = verified }
            // Asking is no answer: it does not clear a suspect, which could stay for ever by asking.
            guard provenance == .answered || !contact.isSuspect else { return }
            contact.failures = 0
            contact.changed = now
        }
        if case .bucket(let bucket, let index) = place, index != buckets[bucket].contacts.count - 1 {
            buckets[bucket].contacts.append(buckets[bucket].contacts.remove(at: index))
        }
    }

    mutating func insert(_ contact: Contact, _ number: Int) -> Outcome {
        if let refusal = crowding(contact, number) { return .refused(refusal) }
        dropReplacement(contact.nodeID, number)
        guard wouldBeSibling(contact.nodeID) else { return insertInBucket(contact, number) }
        siblings.insert(contact, at: siblingIndex(own.distance(to: contact.nodeID)))
        count += 1
        if siblings.count > limits.siblings {
            let displaced = siblings.removeLast()
            count -= 1
            if let number = own.bucket(of: displaced.nodeID) { _ = insertInBucket(displaced, number) }
        }
        return .inserted
    }

    private mutating func insertInBucket(_ contact: Contact, _ number: Int) -> Outcome {
        let index = 255 - number
        while buckets.count <= index { buckets.append(Bucket()) }
        if buckets[index].contacts.count < limits.bucketSize {
            let position = buckets[index].contacts.firstIndex { $0.changed > contact.changed }
            buckets[index].contacts.insert(contact, at: position ?? buckets[index].contacts.count)
            count += 1
            return .inserted
        }
        buckets[index].replacements.append(contact)
        if buckets[index].replacements.count > limits.replacements { buckets[index].replacements.removeFirst() }
        // A suspect goes before one that was only silent for long.
        let doubtful = buckets[index].contacts.first { $0.isSuspect } ?? buckets[index].contacts.first
        return doubtful.map { .waiting($0.peer) } ?? .inserted
    }

    /// Which of the contact's bucket and the table has no room for more of its subnet, if any.
    private func crowding(_ contact: Contact, _ number: Int) -> Refusal? {
        guard contact.subnet != .exempt else { return nil }
        var inTable = 0
        var inBucket = 0
        forEach { other in
            guard other.subnet == contact.subnet else { return }
            inTable += 1
            if own.bucket(of: other.nodeID) == number { inBucket += 1 }
        }
        if inTable >= limits.subnetInTable { return .subnetInTable }
        return inBucket >= limits.subnetInBucket ? .subnetInBucket : nil
    }

    private mutating func dropReplacement(_ node: NodeID, _ number: Int) {
        guard buckets.indices.contains(255 - number) else { return }
        buckets[255 - number].replacements.removeAll { $0.nodeID == node }
    }

    /// The sibling list lost one: the nearest contact of the buckets moves up.
    private mutating func promoteSibling() {
        guard let bucket = buckets.lastIndex(where: { !$0.contacts.isEmpty }) else { return }
        var nearest = 0
        for index in buckets[bucket].contacts.indices {
            let distance = own.distance(to: buckets[bucket].contacts[index].nodeID)
            if distance < own.distance(to: buckets[bucket].contacts[nearest].nodeID) { nearest = index }
        }
        let contact = buckets[bucket].contacts.remove(at: nearest)
        siblings.insert(contact, at: siblingIndex(own.distance(to: contact.nodeID)))
        promoteReplacement(bucket)
    }

    /// The bucket lost one: the latest that waits and that the diversity limits allow takes the place.
    private mutating func promoteReplacement(_ bucket: Int) {
        var waiting = buckets[bucket].replacements
        while let contact = waiting.popLast() {
            guard crowding(contact, 255 - bucket) == nil else { continue }
            _ = insert(contact, 255 - bucket)
            return
        }
    }
}
