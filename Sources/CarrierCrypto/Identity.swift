/// Who a node is: its Ed25519 key pair and the nonce that solves its dynamic puzzle.
public struct Identity: Sendable, CustomStringConvertible {
    /// Signs for the node.
    public let key: Ed25519.SigningKey
    /// X of the dynamic puzzle.
    public let puzzleNonce: Bytes32

    /// An identity of its parts; whether the nonce solves the dynamic puzzle is not checked.
    public init(key: Ed25519.SigningKey, puzzleNonce: Bytes32) {
        self.key = key
        self.puzzleNonce = puzzleNonce
    }

    /// The public key.
    public var peerID: PeerID { PeerID(key.publicKey) }
    /// The place in the key space.
    public var nodeID: NodeID { peerID.nodeID }

    /// How well the puzzles are solved.
    public var solved: Puzzle.Difficulty {
        let nodeID = nodeID
        return Puzzle.Difficulty(
            staticBits: Puzzle.staticBits(of: nodeID),
            dynamicBits: Puzzle.dynamicBits(of: nodeID, nonce: puzzleNonce))
    }

    public var description: String { "identity \(peerID)" }
}
