public import CarrierCrypto
public import CarrierWire

/// Why a handshake gave no session.
public enum HandshakeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The first bytes are not carrier's.
    case notCarrier
    /// The other side speaks another version.
    case versionMismatch(ours: UInt8, theirs: UInt8)
    /// The other side belongs to another network.
    case networkMismatch(ours: UInt32, theirs: UInt32)
    /// A length that no handshake message has; judged by the prefix alone.
    case messageTooLong(limit: Int, got: Int)
    /// Bytes behind message 1, before it was answered; how many.
    case outOfTurn(Int)
    /// A message whose fields are not what they should be.
    case malformed(WireError)
    /// A Noise message is too short, altered, or made with a refused key.
    case noise(NoiseXX.Failure)
    /// libcrypto failed us; no fault of the peer.
    case crypto(CryptoError)
    /// The peer's record is not signed by the peer.
    case recordSignatureInvalid
    /// The Noise static key is not vouched for by the peer.
    case staticKeySignatureInvalid
    /// The link proved another key than the one that the peer's record is for.
    case certificateMismatch(certificate: PeerID, record: PeerID)
    /// The peer's puzzles are solved less well than this node asks for.
    case puzzleNotSolved(expected: Puzzle.Difficulty, got: Puzzle.Difficulty)
    /// Another peer answered than the one that was dialled.
    case wrongPeer(expected: PeerID, got: PeerID)
    /// The peer is this node.
    case dialledSelf
    /// The link ended before the handshake did.
    case linkClosed(String)
    /// The whole handshake took too long.
    case timeout(Duration)

    public var description: String {
        switch self {
        case .notCarrier: "expected a carrier node, got something else; check the address and port"
        case .versionMismatch(let ours, let theirs):
            "expected protocol version \(ours), got \(theirs); use the same version on both sides"
        case .networkMismatch(let ours, let theirs):
            "expected network \(ours), got network \(theirs); choose the same with --network"
        case .messageTooLong(let limit, let got):
            "expected a handshake message of at most \(limit) bytes, got \(got)"
        case .outOfTurn(let count): "expected to be waited for after handshake message 1, got \(count) more bytes"
        case .malformed(let error): "malformed handshake: \(error)"
        case .noise(.truncated(let message, let expected, let got)):
            "expected at least \(expected) bytes in handshake message \(message), got \(got)"
        case .noise(.crypto(let error)), .crypto(let error): "\(error)"
        case .recordSignatureInvalid: "expected a peer record signed by its own key, got another signature"
        case .staticKeySignatureInvalid: "expected a session key signed by the peer, got another signature"
        case .certificateMismatch(let certificate, let record):
            "expected a record of \(certificate), whose certificate it is, got one of \(record)"
        case .puzzleNotSolved(let expected, let got):
            "expected puzzles solved to \(expected.staticBits) static and \(expected.dynamicBits) dynamic bits, got "
                + "\(got.staticBits) and \(got.dynamicBits); the peer needs a stronger identity"
        case .wrongPeer(let expected, let got): "expected peer \(expected), got \(got); check the address"
        case .dialledSelf:
            "expected another node, got this one: the address is our own, or both use one identity; give each its own"
        case .linkClosed(let reason): "expected a handshake, the link ended: \(reason)"
        case .timeout(let limit): "expected the handshake within \(limit), got less than a whole one"
        }
    }

    /// What a rejected peer is told.
    public var reason: Disconnect.Reason {
        switch self {
        case .versionMismatch, .networkMismatch: .networkMismatch
        case .puzzleNotSolved: .puzzleNotSolved
        default: .protocolError
        }
    }
}
