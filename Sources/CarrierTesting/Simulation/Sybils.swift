public import CarrierCrypto
public import CarrierWire

/// A store of identities that adversaries have made beforehand, so many that for any place some are nearer than every honest
/// node: the adversary of Baumgart & Mies, on whose first node a path is lost.
///
/// Their keys and signatures are real, made again from their seeds when they are needed; puzzles are not, and would make
/// the store cost 2^16 times as much by default.
public final class Sybils {
    private let seed: UInt64
    /// By node id.
    private let ids: [(node: NodeID, number: UInt64)]
    private var records: [UInt64: PeerRecord] = [:]

    public init(_ count: Int, seed: UInt64, progress: (Int) -> Void = { _ in }) throws {
        self.seed = seed
        var ids: [(node: NodeID, number: UInt64)] = []
        ids.reserveCapacity(count)
        for number in 0..<UInt64(count) {
            ids.append((PeerID(try Self.identity(number, seed).key.publicKey).nodeID, number))
            if number % 100_000 == 99_999 { progress(Int(number) + 1) }
        }
        ids.sort { $0.node < $1.node }
        self.ids = ids
    }

    private static func identity(_ number: UInt64, _ seed: UInt64) throws -> Identity {
        var random = SeededRandom(seed ^ number &* 0x9e37_79b9_7f4a_7c15)
        return Identity(
            key: try Ed25519.SigningKey(seed: SecretBytes(Bytes32(random: &random).array)), puzzleNonce: .zero)
    }

    /// Records of `count` of them near a place: by chance among twice as many nearest ones, so that each answer tells
    /// of others.
    public func near(
        _ target: NodeID, _ count: Int, using random: inout some RandomNumberGenerator
    ) -> [PeerRecord] {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle].node < target { low = middle + 1 } else { high = middle }
        }
        // A window around the place in sorted order holds the nearest by distance, but for the edges of subtrees.
        let window = ids[max(0, low - 8 * count)..<min(ids.count, low + 8 * count)]
        let nearest = window.sorted { $0.node.distance(to: target) < $1.node.distance(to: target) }.prefix(2 * count)
        return nearest.shuffled(using: &random).prefix(count).compactMap { record($0.number) }
    }

    private func record(_ number: UInt64) -> PeerRecord? {
        if let known = records[number] { return known }
        guard let identity = try? Self.identity(number, seed) else { return nil }
        let ip = IPAddress.v4(0x0b00_0000 &+ UInt32(truncatingIfNeeded: number) &* 256)
        let record = try? PeerRecord(signedBy: identity, sequence: 1, addresses: ["tcp://\(ip):4000"])
        records[number] = record
        return record
    }
}

extension SimulatedNetwork {
    /// Makes nodes adversaries that answer lookups with Sybils near the target, and the Sybils answer likewise.
    public func eclipse(_ adversaries: [Int], _ sybils: Sybils) {
        for index in adversaries {
            corrupt(index) { [unowned self] request in
                sybils.near(request.target, Int(min(request.count, 20)), using: &random)
            }
        }
        strangers = { [unowned self] request in
            sybils.near(request.target, Int(min(request.count, 20)), using: &random)
        }
    }
}
