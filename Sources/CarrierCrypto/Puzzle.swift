/// The two proof-of-work puzzles of S/Kademlia (Baumgart & Mies 2007, §4.1), which make identities cost something.
public enum Puzzle {
    /// How hard a network's puzzles are.
    public struct Difficulty: Hashable, Sendable {
        /// c1: leading zero bits of H(node id). Default 8.
        public var staticBits: Int
        /// c2: leading zero bits of H(node id XOR X). Default 8.
        public var dynamicBits: Int

        /// So many leading zero bits of each puzzle; default 8 and 8.
        public init(staticBits: Int = 8, dynamicBits: Int = 8) {
            self.staticBits = staticBits
            self.dynamicBits = dynamicBits
        }
    }

    /// The leading zero bits of H(node id): what a key pair is worth.
    public static func staticBits(of nodeID: NodeID) -> Int { SHA256.hash(nodeID.bytes).leadingZeroBitCount }

    /// The leading zero bits of H(node id XOR nonce): what a nonce is worth for this node, and for no other.
    public static func dynamicBits(of nodeID: NodeID, nonce: Bytes32) -> Int {
        SHA256.hash(nodeID.bytes ^ nonce).leadingZeroBitCount
    }

    /// Whether a peer's puzzles are solved at least this well.
    public static func isSolved(by peer: PeerID, nonce: Bytes32, _ difficulty: Difficulty) -> Bool {
        let nodeID = peer.nodeID
        return staticBits(of: nodeID) >= difficulty.staticBits
            && dynamicBits(of: nodeID, nonce: nonce) >= difficulty.dynamicBits
    }

    /// Tries at most `count` fresh key pairs; the first that solves the static puzzle, or nil. `count` becomes how many
    /// were tried.
    static func searchKey(bits: Int, tries count: inout UInt64) throws(CryptoError) -> Ed25519.SigningKey? {
        let limit = count
        count = 0
        while count < limit {
            count += 1
            let key = try Ed25519.SigningKey.generate()
            if staticBits(of: PeerID(key.publicKey).nodeID) >= bits { return key }
        }
        return nil
    }

    /// Tries at most `count` nonces from `start` on; the first that solves the dynamic puzzle, or nil. `count` becomes
    /// how many were tried.
    static func searchNonce(for nodeID: NodeID, bits: Int, from start: Bytes32, tries count: inout UInt64) -> Bytes32? {
        let hash = SHA256()
        var nonce = start
        let limit = count
        count = 0
        while count < limit {
            count += 1
            (nodeID.bytes ^ nonce).withUnsafeBytes { hash.update($0) }
            if hash.finish().leadingZeroBitCount >= bits { return nonce }
            nonce = nonce.successor
        }
        return nil
    }
}
