internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire

/// Steps of a lookup: a node tells sixteen others, and the lookup says whom to ask next.
struct LookupSteps {
    private static let (told, known) = (16, 32)

    func walk(_ count: Int, _ counted: Bool) throws {
        let members = try (1...Self.known + Self.told).map(Members.member)
        let starts = members.prefix(Self.known).map { Lookup.Start($0, .loopback) }
        let answer = Array(members.suffix(Self.told))
        let (own, target) = (try Members.member(0), try Members.member(1000))
        var options = LookupOptions()
        options.alpha = 1
        var lookups = (0..<count).map { _ in
            var lookup = Lookup(
                target.nodeID, options, own: own.peer, starts: starts, now: Instant(nanoseconds: 0))
            let first = lookup.next()
            return (lookup: lookup, asked: first[0].node.peer)
        }
        var asked = 0
        run(counted) {
            for index in lookups.indices {
                lookups[index].lookup.answered(lookups[index].asked, answer, reach: .loopback)
                asked += lookups[index].lookup.next().count
            }
        }
        precondition(asked > 0, "no lookup goes on")
    }
}

/// Nodes that are the same in each run.
enum Members {
    struct Unsound: Error {}

    static func member(_ number: Int) throws -> VerifiedRecord {
        let seed = SecretBytes(count: 32) { $0.storeBytes(of: UInt64(number), as: UInt64.self) }
        let identity = Identity(key: try Ed25519.SigningKey(seed: seed), puzzleNonce: .zero)
        let record = try PeerRecord(signedBy: identity, sequence: 1, addresses: ["tcp://127.0.0.1:1000"])
        guard let member = VerifiedRecord(record, Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)) else {
            throw Unsound()
        }
        return member
    }
}
