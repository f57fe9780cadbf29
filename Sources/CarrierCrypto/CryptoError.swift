/// Why a cryptographic operation gave no result.
public enum CryptoError: Error, Equatable, CustomStringConvertible {
    /// The authentication tag does not fit: altered, reordered, or another key.
    case authenticationFailed
    /// X25519 gave an all-zero secret: the other side's point has low order (RFC 7748 §6.1).
    case lowOrderPoint
    /// Key material of another size or kind than expected.
    case malformedKey(expected: String, got: String)
    /// A Noise nonce counter reached its last value: the session must end (Noise §5.1).
    case nonceExhausted
    /// libcrypto refused an operation; carries its own reason.
    case library(operation: String, reason: String)

    public var description: String {
        switch self {
        case .authenticationFailed: "expected a valid authentication tag, got one that does not fit; end the session"
        case .lowOrderPoint: "expected a contributory X25519 point, got one of low order; end the handshake"
        case .malformedKey(let expected, let got): "expected \(expected), got \(got)"
        case .nonceExhausted: "expected an unused nonce, got the end of the counter; open a new session"
        case .library(let operation, let reason): "\(operation) failed in libcrypto: \(reason)"
        }
    }
}
