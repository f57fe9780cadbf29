internal import COpenSSL
internal import NIOConcurrencyHelpers
internal import Synchronization

/// Diffie–Hellman on Curve25519 (RFC 7748).
public enum X25519 {
    /// A key pair; the private half never leaves libcrypto.
    public final class PrivateKey: Sendable {
        // An EVP_PKEY is immutable once made and counts its references atomically.
        nonisolated(unsafe) private let key: OpaquePointer
        /// The public half, 32 bytes.
        public let publicKey: Bytes32
        /// A context of an agreement that is over, for the next one.
        private let idle = Mutex<Agreement?>(nil)

        /// A key from its 32 secret bytes, which are clamped as RFC 7748 §5 says.
        public convenience init(_ secret: SecretBytes) throws(CryptoError) {
            OpenSSL.initialise()
            let made = secret.withUnsafeBytes { bytes in
                EVP_PKEY_new_raw_private_key(
                    EVP_PKEY_X25519, nil, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
            }
            guard let made else {
                ERR_clear_error()
                throw .malformedKey(expected: "an X25519 key of 32 bytes", got: "\(secret.count) bytes")
            }
            try self.init(owning: made)
        }

        private init(owning key: OpaquePointer) throws(CryptoError) {
            self.key = key
            publicKey = try Bytes32 { output throws(CryptoError) in
                var count = output.count
                guard
                    EVP_PKEY_get_raw_public_key(key, output.bindMemory(to: UInt8.self).baseAddress, &count) == 1,
                    count == output.count
                else { throw OpenSSL.failure("EVP_PKEY_get_raw_public_key") }
            }
        }

        /// A fresh key.
        public static func generate() throws(CryptoError) -> PrivateKey { try PrivateKey(.random(count: 32)) }

        deinit { EVP_PKEY_free(key) }

        /// The secret shared with the holder of `publicKey`, 32 bytes.
        ///
        /// - Throws: `lowOrderPoint` when the result would be all zero.
        public func sharedSecret(with publicKey: Bytes32) throws(CryptoError) -> SecretBytes {
            let kept = idle.withLock { $0.take() }
            let agreement = if let kept { kept } else { try Agreement(key) }
            let peer = try PublicKey.take(publicKey)
            defer {
                peer.giveBack()
                idle.withLock { $0 = agreement }
            }
            guard EVP_PKEY_derive_set_peer_ex(agreement.context, peer.key, 0) == 1 else {
                throw OpenSSL.failure("EVP_PKEY_derive_set_peer_ex")
            }
            var status: Int32 = 0
            let secret = SecretBytes(count: 32) { output in
                var count = output.count
                status = EVP_PKEY_derive(
                    agreement.context, output.bindMemory(to: UInt8.self).baseAddress, &count)
            }
            // libcrypto refuses an all-zero result and has no other reason to fail here.
            guard status == 1 else {
                ERR_clear_error()
                throw .lowOrderPoint
            }
            return secret
        }
    }

    /// What libcrypto needs beside a private key to agree on a secret. Who holds it uses it alone.
    private final class Agreement: Sendable {
        nonisolated(unsafe) let context: OpaquePointer

        init(_ key: OpaquePointer) throws(CryptoError) {
            guard let context = EVP_PKEY_CTX_new(key, nil) else { throw OpenSSL.failure("EVP_PKEY_CTX_new") }
            self.context = context
            guard EVP_PKEY_derive_init(context) == 1 else { throw OpenSSL.failure("EVP_PKEY_derive_init") }
        }

        deinit { EVP_PKEY_CTX_free(context) }
    }

    /// The other side's half, as libcrypto wants it. To make one, it goes through every name of an algorithm that it knows, which
    /// takes a tenth as long as the agreement itself; so a few are kept and get new bytes. Who holds one uses it alone.
    private final class PublicKey: Sendable {
        nonisolated(unsafe) let key: OpaquePointer
        // Not a Mutex: the thread sanitizer does not see those of them that are fought over.
        private static let idle = NIOLockedValueBox<[PublicKey]>([])

        private init(_ bytes: Bytes32) throws(CryptoError) {
            let made = bytes.withUnsafeBytes {
                EVP_PKEY_new_raw_public_key(
                    EVP_PKEY_X25519, nil, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)
            }
            guard let made else { throw OpenSSL.failure("EVP_PKEY_new_raw_public_key") }
            key = made
        }

        deinit { EVP_PKEY_free(key) }

        static func take(_ bytes: Bytes32) throws(CryptoError) -> PublicKey {
            guard let kept = idle.withLockedValue({ $0.popLast() }) else { return try PublicKey(bytes) }
            let isSet = bytes.withUnsafeBytes {
                EVP_PKEY_set1_encoded_public_key(kept.key, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)
            }
            guard isSet == 1 else { throw OpenSSL.failure("EVP_PKEY_set1_encoded_public_key") }
            return kept
        }

        func giveBack() { Self.idle.withLockedValue { $0.append(self) } }
    }
}
