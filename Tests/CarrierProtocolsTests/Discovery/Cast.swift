import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire

/// Peers for tests: real keys and signatures, made once, without puzzles unless a test wants them.
enum Cast {
    static let anyPuzzle = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
    static let verifier = SharedVerifier(anyPuzzle)

    struct Member {
        let identity: Identity
        let verified: VerifiedRecord
        var peer: PeerID { verified.peer }
        var record: PeerRecord { verified.record }
    }

    static let members: [Member] = (0..<400).compactMap { member(UInt64($0)) }

    /// The peer with this number and an address of its own.
    static func member(_ number: UInt64, addresses: [String]? = nil, sequence: UInt64 = 1) -> Member? {
        var random = SeededRandom(number &+ 77)
        let seed = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let key = try? Ed25519.SigningKey(seed: SecretBytes(seed)) else { return nil }
        let identity = Identity(key: key, puzzleNonce: Bytes32(random: &random))
        let usual = "tcp://\(9 + number / 65_536).\(number / 256 % 256).\(number % 256).1:4000"
        guard
            let record = try? PeerRecord(signedBy: identity, sequence: sequence, addresses: addresses ?? [usual]),
            let verified = VerifiedRecord(record, anyPuzzle)
        else { return nil }
        return Member(identity: identity, verified: verified)
    }

    /// The first records of the cast, as a lookup answer holds them.
    static func records(_ range: Range<Int>) -> [PeerRecord] { members[range].map(\.record) }
}

extension Instant {
    /// So many seconds after the beginning.
    static func seconds(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }
}
