internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// The routing table under any row of observations, failures and removals: its bounds hold, nobody is in it twice, and the
/// closest contacts are those that a plain sort gives.
enum RoutingTableTarget {
    @Sendable static func run(_ input: ByteBuffer) throws {
        var choices = Choices(input)
        var limits = RoutingTable.Limits()
        limits.siblings = choices.number(below: 8)
        limits.bucketSize = 1 + choices.number(below: 4)
        limits.replacements = 1 + choices.number(below: 3)
        limits.subnetInTable = 4
        limits.failures = UInt8(1 + choices.number(below: 3))
        let own = FuzzCast.members[0]
        if choices.byte() == 255 {
            var table = RoutingTable(own: own.node, limits: limits)
            let restored = table.restore(choices.rest(), SignatureVerifier(FuzzCast.noPuzzle), now: .seconds(0))
            return try expect(restored.contacts == table.count, "contacts that were restored are missing")
        }
        var table = RoutingTable(own: own.node, limits: limits)
        /// The subnet in which a contact was met when it got or waited for its place.
        var subnets: [NodeID: Int] = [:]
        var now = 0.0
        while !choices.isEmpty {
            let member = choices.choice(of: FuzzCast.members)
            let what = choices.byte()
            now += Double(what >> 6)
            switch what % 8 {
            case 0: table.failed(member.node, now: .seconds(now))
            case 1: table.remove(member.node)
            default:
                let subnet = Int(what >> 3) % 4
                let ip = IPAddress.v4(198 << 24 | 51 << 16 | UInt32(subnet) << 8 | 7)
                let outcome = table.observe(
                    member.verified, what % 3 == 0 ? .asked : .answered, at: ip, reach: .internet, now: .seconds(now))
                switch outcome {
                case .inserted, .waiting: subnets[member.node] = subnet
                case .known: try expect(table.contact(member.node) != nil, "a known contact is not there")
                case .unproven, .refused: break
                }
            }
            try check(table, limits, subnets)
        }
        let target = NodeID(FuzzCast.members[choices.number(below: 96)].node.bytes)
        let sorted = table.contacts.filter { !$0.isSuspect }.map(\.nodeID).sorted {
            $0.distance(to: target) < $1.distance(to: target)
        }
        try expect(
            table.closest(to: target, count: 5).map(\.nodeID) == Array(sorted.prefix(5)), "the closest are others")
    }

    private static func check(_ table: RoutingTable, _ limits: RoutingTable.Limits, _ subnets: [NodeID: Int]) throws {
        let nodes = table.contacts.map(\.nodeID)
        try expect(nodes.count == table.count && Set(nodes).count == nodes.count, "contacts are counted wrong")
        try expect(!nodes.contains(table.own), "we are our own contact")
        let siblings = table.siblings.map(\.nodeID)
        let distances = siblings.map { table.own.distance(to: $0) }
        try expect(
            distances == distances.sorted() && siblings.count <= limits.siblings, "the siblings are out of order")
        let others = nodes.filter { !siblings.contains($0) }
        if let last = distances.last {
            try expect(others.allSatisfy { last < table.own.distance(to: $0) }, "a sibling is missing")
        }
        try expect(others.isEmpty || siblings.count == limits.siblings, "a place among the siblings is free")
        let byBucket = Dictionary(grouping: others) { table.own.bucket(of: $0) }
        try expect(byBucket.values.allSatisfy { $0.count <= limits.bucketSize }, "a bucket is too full")
        let bySubnet = Dictionary(grouping: nodes) { subnets[$0] }
        try expect(bySubnet[nil] == nil, "a contact that was never let in")
        for met in bySubnet.values {
            let inBucket = Dictionary(grouping: met) { table.own.bucket(of: $0) }
            try expect(met.count <= limits.subnetInTable, "too many of one subnet in the table")
            try expect(
                inBucket.values.allSatisfy { $0.count <= limits.subnetInBucket }, "too many of one subnet in a bucket")
        }
    }
}
