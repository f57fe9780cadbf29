public import CarrierCrypto
public import CarrierWire

/// What a node brings to each of its handshakes, and what it asks of the other side.
public struct HandshakeTerms: Sendable {
    /// Who this node is.
    public let identity: Identity
    /// The Noise static key, fresh for each run of a node.
    public let staticKey: X25519.PrivateKey
    /// With it the identity vouches for the static key; made once, for signing takes longer than the rest.
    public let staticKeySignature: [UInt8]
    /// Which network to speak to. Default 1.
    public var network: UInt32
    /// The least that a peer's puzzles must be solved to. Default 8 and 8 bits.
    public var minimum: Puzzle.Difficulty
    /// Program and version, at most 64 bytes.
    public var agent: String
    /// Peers' words that need not be checked again.
    private let memory: SignatureMemory
    /// Whether sessions keep their key log line (carrier-wire(7) §8). Default no.
    public var keepsKeyLog: Bool

    /// The terms of the handshakes of one node; the defaults are those of the protocol.
    public init(
        identity: Identity, staticKey: X25519.PrivateKey, agent: String, network: UInt32 = Preface.defaultNetwork,
        minimum: Puzzle.Difficulty = Puzzle.Difficulty(), keepsKeyLog: Bool = false,
        memory: SignatureMemory = SignatureMemory(limit: 1024)
    ) throws(CryptoError) {
        self.identity = identity
        self.staticKey = staticKey
        staticKeySignature = try Hello.sign(staticKey: staticKey.publicKey, by: identity)
        self.network = network
        self.minimum = minimum
        self.agent = agent
        self.keepsKeyLog = keepsKeyLog
        self.memory = memory
    }

    /// Checks a peer's word about itself in the order of carrier-wire(7) §4.2, after the Noise message itself.
    ///
    /// - Parameters:
    ///   - hello: what the peer says.
    ///   - staticKey: the Noise static key that the peer proved to hold; nil over QUIC, where the certificate proves more.
    ///   - pinned: the peer that was dialled, where one was named.
    public func check(_ hello: Hello, staticKey: Bytes32?, pinned: PeerID?) throws(HandshakeError) {
        let word = SignatureMemory.digest(staticKey == nil ? .certified : .noise) { writer in
            writer.raw32(staticKey ?? .zero)
            writer.raw(hello.staticKeySignature)
            hello.record.write(to: &writer)
        }
        if !memory.contains(word) {
            guard hello.record.isSignatureValid else { throw .recordSignatureInvalid }
            if let staticKey, !hello.vouches(for: staticKey) { throw .staticKeySignatureInvalid }
            memory.insert(word)
        }
        guard hello.record.solves(minimum) else {
            let nodeID = hello.record.peer.nodeID
            throw .puzzleNotSolved(
                expected: minimum,
                got: Puzzle.Difficulty(
                    staticBits: Puzzle.staticBits(of: nodeID),
                    dynamicBits: Puzzle.dynamicBits(of: nodeID, nonce: hello.record.puzzleNonce)))
        }
        if let pinned, pinned != hello.record.peer { throw .wrongPeer(expected: pinned, got: hello.record.peer) }
        if hello.record.peer == identity.peerID { throw .dialledSelf }
    }

    /// Checks that the other side speaks our version to our network.
    public func check(_ preface: Preface) throws(HandshakeError) {
        if preface.version != Preface.currentVersion {
            throw .versionMismatch(ours: Preface.currentVersion, theirs: preface.version)
        }
        if preface.network != network { throw .networkMismatch(ours: network, theirs: preface.network) }
        // Nothing vouches for the responder's preface, so a flag that version 1 does not know cannot pass.
        if preface.flags != 0 {
            throw .malformed(WireError("flags", at: 5, .unexpected(expected: "0", got: "\(preface.flags)")))
        }
    }
}
