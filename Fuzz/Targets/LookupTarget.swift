internal import CarrierCrypto
internal import CarrierProtocols
internal import NIOCore

/// A lookup among nodes that answer anything, late, or not at all: it ends, asks nobody twice nor itself, stays within its
/// bounds, and finds only what somebody named.
enum LookupTarget {
    @Sendable static func run(_ input: ByteBuffer) throws {
        var choices = Choices(input)
        let members = FuzzCast.members
        let own = members[0]
        var options = LookupOptions()
        options.k = 1 + choices.number(below: 8)
        options.alpha = 1 + choices.number(below: 4)
        options.paths = 1 + choices.number(below: 5)
        if choices.byte() % 3 == 0 { options.goal = .closest(1 + choices.number(below: 8)) }
        let target = choices.choice(of: members)
        let starts = (0..<choices.number(below: 12)).map { _ in
            Lookup.Start(choices.choice(of: members).verified, .internet)
        }
        var lookup = Lookup(target.node, options, own: own.peer, starts: starts, now: .seconds(0))
        let known = starts.contains { $0.node.peer == target.peer }
        var isNamed = known
        var waiting: [PeerID] = []
        var asked: Set<PeerID> = []
        let limit = lookup.options.paths * (lookup.options.k + 16)
        for _ in 0..<(4 * limit + 8) where !lookup.isFinished {
            for query in lookup.next() {
                try expect(query.node.peer != own.peer, "it asks itself")
                try expect(asked.insert(query.node.peer).inserted, "it asks a node twice")
                waiting.append(query.node.peer)
            }
            try expect(lookup.queries <= limit && lookup.queries == asked.count, "it asks too much")
            guard !waiting.isEmpty else { continue }
            let node = waiting.remove(at: choices.number(below: waiting.count))
            switch choices.number(below: 5) {
            case 0: lookup.failed(node)
            case 1:
                // Of a node that was never asked, and twice of one that was.
                lookup.answered(choices.choice(of: members).peer, [], reach: .internet)
                waiting.removeAll { lookup.asked($0) == nil }
                fallthrough
            default:
                let told = (0..<choices.number(below: 24)).map { _ in choices.choice(of: members).verified }
                if told.contains(where: { $0.peer == target.peer }) { isNamed = true }
                lookup.answered(node, told, reach: .internet)
                lookup.answered(node, told, reach: .internet)
            }
            if choices.byte() == 255 { lookup.expire() }
        }
        try expect(lookup.isFinished, "it does not end")
        let result = lookup.result(now: .seconds(1))
        if let found = result.found {
            try expect(found.nodeID == target.node && isNamed, "it finds what nobody named")
        }
        try expect(result.pathsAgreeing <= result.paths, "more paths agree than there are")
        let distances = result.closest.map { $0.node.nodeID.distance(to: target.node) }
        try expect(
            distances == distances.sorted() && Set(distances).count == distances.count, "the closest are disordered")
    }
}
