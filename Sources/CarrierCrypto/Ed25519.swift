internal import COpenSSL

/// Signatures on Edwards25519 (RFC 8032, pure Ed25519).
public enum Ed25519 {
    /// Bytes of a signature.
    public static let signatureSize = 64

    /// A signing key.
    public final class SigningKey: Sendable {
        // An EVP_PKEY is immutable once made and counts its references atomically.
        nonisolated(unsafe) private let key: OpaquePointer
        /// The 32 secret bytes that the key is made from (RFC 8032 §5.1.5).
        public let seed: SecretBytes
        /// The public half, 32 bytes.
        public let publicKey: Bytes32

        /// - Throws: `malformedKey` unless the seed has 32 bytes.
        public init(seed: SecretBytes) throws(CryptoError) {
            let made = seed.withUnsafeBytes { bytes in
                EVP_PKEY_new_raw_private_key(
                    EVP_PKEY_ED25519, nil, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
            }
            guard let made else {
                ERR_clear_error()
                throw .malformedKey(expected: "an Ed25519 seed of 32 bytes", got: "\(seed.count) bytes")
            }
            key = made
            self.seed = seed
            publicKey = try Bytes32 { output throws(CryptoError) in
                var count = output.count
                guard
                    EVP_PKEY_get_raw_public_key(made, output.bindMemory(to: UInt8.self).baseAddress, &count) == 1,
                    count == output.count
                else { throw OpenSSL.failure("EVP_PKEY_get_raw_public_key") }
            }
        }

        /// A fresh key.
        public static func generate() throws(CryptoError) -> SigningKey { try SigningKey(seed: .random(count: 32)) }

        deinit { EVP_PKEY_free(key) }

        /// The signature over `message`, 64 bytes.
        public func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
            guard let context = EVP_MD_CTX_new() else { throw OpenSSL.failure("EVP_MD_CTX_new") }
            defer { EVP_MD_CTX_free(context) }
            guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1 else {
                throw OpenSSL.failure("EVP_DigestSignInit")
            }
            var count = Ed25519.signatureSize
            var signature = [UInt8](repeating: 0, count: count)
            guard EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else {
                throw OpenSSL.failure("EVP_DigestSign")
            }
            return signature
        }
    }

    /// Whether `signature` over `message` was made with the private half of `publicKey`. Any other count of bytes than
    /// 64 and a point that is not on the curve are simply not valid.
    public static func isValid(
        signature: some Collection<UInt8>, over message: [UInt8], by publicKey: Bytes32
    ) -> Bool {
        guard signature.count == signatureSize else { return false }
        let key = publicKey.withUnsafeBytes { bytes in
            EVP_PKEY_new_raw_public_key(
                EVP_PKEY_ED25519, nil, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        }
        guard let key, let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_PKEY_free(key)
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        let signature = Array(signature)
        return EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// What a signature with a label covers: `label ‖ 0x00 ‖ data`, so that one signature cannot stand for another.
    public static func labelled(_ label: StaticString, _ data: some Collection<UInt8>) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(label.utf8CodeUnitCount + 1 + data.count)
        message.append(contentsOf: UnsafeBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount))
        message.append(0)
        message.append(contentsOf: data)
        return message
    }
}
