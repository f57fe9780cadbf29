internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting
internal import CarrierWire
internal import NIOCore

/// The nodes that play in the targets: real keys and signatures, made once; no puzzles.
enum FuzzCast {
    struct Member: Sendable {
        let identity: Identity
        let verified: VerifiedRecord
        var peer: PeerID { verified.peer }
        var record: PeerRecord { verified.record }
        var node: NodeID { verified.nodeID }
    }

    static let noPuzzle = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
    static let members: [Member] = (0..<96).compactMap { member($0) }
    static let byPeer = Dictionary(uniqueKeysWithValues: members.map { ($0.peer, $0) })

    private static func member(_ number: Int) -> Member? {
        var random = SeededRandom(UInt64(number) &* 7919)
        let seed = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        // Each eighth is a client, which nobody can dial.
        let addresses = number % 8 == 7 ? [] : ["tcp://203.0.\(number / 4).\(number % 4 + 1):4000"]
        guard
            let key = try? Ed25519.SigningKey(seed: SecretBytes(seed)),
            case let identity = Identity(key: key, puzzleNonce: .zero),
            let record = try? PeerRecord(signedBy: identity, sequence: UInt64(number), addresses: addresses),
            let verified = VerifiedRecord(record, noPuzzle)
        else { return nil }
        return Member(identity: identity, verified: verified)
    }

    static func terms(_ index: Int) throws -> HandshakeTerms {
        let key = try X25519.PrivateKey(SecretBytes([UInt8](repeating: UInt8(index + 1), count: 32)))
        return try HandshakeTerms(
            identity: members[index].identity, staticKey: key, agent: "fuzz/1", minimum: noPuzzle)
    }

    /// The terms of the first two members: signing takes longer than most inputs.
    static let pair = Result { [try terms(0), try terms(1)] }
}

extension Instant {
    /// So many seconds after the beginning.
    static func seconds(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }
}
