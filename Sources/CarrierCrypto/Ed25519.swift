internal import COpenSSL
internal import NIOConcurrencyHelpers

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
            OpenSSL.initialise()
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

    /// Whether `signature` over `message` was made with the private half of `publicKey`.
    ///
    /// Any other count of bytes than 64 and a point that is not on the curve are simply not valid. Nor is anything by a
    /// point of low order: RFC 8032 lets it pass, but it has no private half, and one signature by it fits many messages.
    public static func isValid(
        signature: some Collection<UInt8>, over message: [UInt8], by publicKey: Bytes32
    ) -> Bool {
        guard signature.count == signatureSize, !isOfLowOrder(publicKey) else { return false }
        let key = PublicKey.of(publicKey)
        let context = EVP_MD_CTX_new()
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        guard let key, let context else { return false }
        let signature = Array(signature)
        return EVP_DigestVerifyInit(context, nil, nil, nil, key.key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// A public key as libcrypto wants it. The last one is kept: a peer's signatures come by twos.
    private final class PublicKey: Sendable {
        // An EVP_PKEY is immutable once made and counts its references atomically.
        nonisolated(unsafe) let key: OpaquePointer
        private let bytes: Bytes32
        // Not a Mutex: the thread sanitizer does not see those of them that are fought over.
        private static let last = NIOLockedValueBox<PublicKey?>(nil)

        private init?(_ bytes: Bytes32) {
            OpenSSL.initialise()
            let made = bytes.withUnsafeBytes {
                EVP_PKEY_new_raw_public_key(
                    EVP_PKEY_ED25519, nil, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)
            }
            guard let made else { return nil }
            key = made
            self.bytes = bytes
        }

        deinit { EVP_PKEY_free(key) }

        static func of(_ bytes: Bytes32) -> PublicKey? {
            if let last = last.withLockedValue({ $0 }), last.bytes == bytes { return last }
            let key = PublicKey(bytes)
            last.withLockedValue { $0 = key }
            return key
        }
    }

    /// Whether the point lies in the subgroup of eight: its y coordinate, canonical or p higher, whatever the sign of x.
    static func isOfLowOrder(_ publicKey: Bytes32) -> Bool {
        var bytes = publicKey.array
        bytes[31] &= 0x7f
        return Bytes32(bytes).map { lowOrderPoints.contains($0) } ?? false
    }

    // y of the points of order 1, 2, 4 and 8 (two of them), and 0 and 1 again as p and p + 1.
    private static let lowOrderPoints = Set(
        [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ].compactMap { Bytes32(hex: $0) })

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
