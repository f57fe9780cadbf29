internal import CarrierCrypto

extension RoutingTable {
    /// What the table keeps to.
    var limitUses: [LimitUse] {
        [
            LimitUse(.bucket, used: buckets.map(\.contacts.count).max() ?? 0, limits.bucketSize),
            LimitUse(.siblings, used: siblings.count, limits.siblings),
            LimitUse(.replacements, used: buckets.map(\.replacements.count).max() ?? 0, limits.replacements),
            LimitUse(.subnetInBucket, limits.subnetInBucket), LimitUse(.subnetInTable, limits.subnetInTable),
            LimitUse(.contactFailures, Int(limits.failures)),
        ]
    }

    /// Whether in this node's bucket no more contacts can wait without another that gives way.
    func isCrowded(_ node: NodeID) -> Bool {
        guard let number = own.bucket(of: node), buckets.indices.contains(255 - number) else { return false }
        return buckets[255 - number].replacements.count >= limits.replacements
    }
}
