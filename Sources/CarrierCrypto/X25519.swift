internal import COpenSSL

/// Diffie–Hellman on Curve25519 (RFC 7748).
public enum X25519 {
    /// A key pair; the private half never leaves libcrypto.
    public final class PrivateKey: Sendable {
        // An EVP_PKEY is immutable once made and counts its references atomically.
        nonisolated(unsafe) private let key: OpaquePointer
        /// The public half, 32 bytes.
        public let publicKey: Bytes32

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
            let peer = publicKey.withUnsafeBytes { bytes in
                EVP_PKEY_new_raw_public_key(
                    EVP_PKEY_X25519, nil, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
            }
            guard let peer else { throw OpenSSL.failure("EVP_PKEY_new_raw_public_key") }
            defer { EVP_PKEY_free(peer) }
            guard let context = EVP_PKEY_CTX_new(key, nil) else { throw OpenSSL.failure("EVP_PKEY_CTX_new") }
            defer { EVP_PKEY_CTX_free(context) }
            guard EVP_PKEY_derive_init(context) == 1, EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 else {
                throw OpenSSL.failure("EVP_PKEY_derive_init")
            }
            var status: Int32 = 0
            let secret = SecretBytes(count: 32) { output in
                var count = output.count
                status = EVP_PKEY_derive(context, output.bindMemory(to: UInt8.self).baseAddress, &count)
            }
            // libcrypto refuses an all-zero result and has no other reason to fail here.
            guard status == 1 else {
                ERR_clear_error()
                throw .lowOrderPoint
            }
            return secret
        }
    }
}
