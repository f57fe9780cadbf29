public import CarrierCrypto
internal import NIOCore

/// What one node may tell others about another, signed by the node it is about (carrier-wire(7) §2).
public struct PeerRecord: Hashable, Sendable {
    /// The most addresses a record may carry.
    public static let addressLimit = 16
    /// The most bytes of one address.
    public static let addressSizeLimit = 255
    private static let label: StaticString = "carrier peer record v1"

    /// Whose record it is: its public key.
    public let peer: PeerID
    /// X of the peer's dynamic puzzle.
    public let puzzleNonce: Bytes32
    /// Unix time in milliseconds at signing; of two records the higher one wins.
    public let sequence: UInt64
    /// Where the peer can be dialled, as text; empty for a client.
    public let addresses: [String]
    /// 64 bytes.
    public let signature: [UInt8]

    /// Signs a record for `identity`.
    ///
    /// - Precondition: at most 16 addresses of at most 255 bytes.
    public init(signedBy identity: Identity, sequence: UInt64, addresses: [String]) throws(CryptoError) {
        precondition(
            addresses.count <= Self.addressLimit && addresses.allSatisfy { $0.utf8.count <= Self.addressSizeLimit },
            "a peer record has at most 16 addresses of at most 255 bytes")
        peer = identity.peerID
        puzzleNonce = identity.puzzleNonce
        self.sequence = sequence
        self.addresses = addresses
        var writer = Writer()
        Self.write(peer, puzzleNonce, sequence, addresses, to: &writer)
        signature = try identity.key.sign(Ed25519.labelled(Self.label, writer.buffer.readableBytesView))
    }

    private static func write(
        _ peer: PeerID, _ puzzleNonce: Bytes32, _ sequence: UInt64, _ addresses: [String], to writer: inout Writer
    ) {
        writer.raw32(peer.bytes)
        writer.raw32(puzzleNonce)
        writer.u64(sequence)
        writer.list(addresses) { $0.string($1) }
    }

    /// Its fields in their order, the signature last.
    public func write(to writer: inout Writer) {
        Self.write(peer, puzzleNonce, sequence, addresses, to: &writer)
        writer.raw(signature)
    }

    /// Reads a record; the signature is not checked yet: see `isSignatureValid`.
    public init(from reader: inout Reader) throws(WireError) {
        peer = PeerID(try reader.raw32("publicKey"))
        puzzleNonce = try reader.raw32("puzzleNonce")
        sequence = try reader.u64("sequence")
        addresses = try reader.list("addresses", limit: Self.addressLimit) { reader throws(WireError) in
            try reader.string("address", limit: Self.addressSizeLimit)
        }
        signature = try reader.array("signature", count: Ed25519.signatureSize)
    }

    /// Whether the peer itself signed this record: about 70 µs.
    public var isSignatureValid: Bool {
        var writer = Writer()
        Self.write(peer, puzzleNonce, sequence, addresses, to: &writer)
        return Ed25519.isValid(
            signature: signature, over: Ed25519.labelled(Self.label, writer.buffer.readableBytesView), by: peer.bytes)
    }

    /// Whether the peer's puzzles are solved well enough for this network.
    public func solves(_ difficulty: Puzzle.Difficulty) -> Bool {
        Puzzle.isSolved(by: peer, nonce: puzzleNonce, difficulty)
    }
}
