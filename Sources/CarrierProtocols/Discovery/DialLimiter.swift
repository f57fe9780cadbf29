internal import CarrierWire

/// Holds back dials to one IP address, so that peers cannot make us hammer a victim with what they tell. Loopback is
/// exempt.
struct DialLimiter: Sendable {
    /// Default: one a second, 16 at once.
    private var buckets = TokenBuckets<IPAddress>(TokenBucket.Rate(perSecond: 1, burst: 16))

    var rate: TokenBucket.Rate { buckets.rate }

    /// Whether the address may be dialled now.
    mutating func allows(_ address: Address, now: Instant) -> Bool {
        guard let ip = address.ip, Reach(ip) != .loopback else { return true }
        return buckets.take(ip, now: now)
    }
}

extension Context {
    /// Where to send something for a peer that another one told us of: its connection, or the addresses that may be
    /// dialled now; nil when there is neither.
    mutating func destination(of verified: VerifiedRecord, toldAt reach: Reach) -> Destination? {
        if peers[verified.peer] != nil { return Destination(verified.peer) }
        var addresses: [Address] = []
        for address in verified.record.dialable(toldAt: reach) {
            if dials.allows(address, now: now) { addresses.append(address) } else { reached(.dials) }
        }
        return addresses.isEmpty ? nil : Destination(verified.peer, dialling: addresses)
    }

    /// Where to send something for a contact; see above.
    mutating func destination(of contact: Contact) -> Destination? {
        destination(of: contact.verified, toldAt: contact.reach)
    }
}
