internal import COpenSSL

/// SHA-256 (FIPS 180-4) with one context that is used again for each digest.
public final class SHA256 {
    private let context: OpaquePointer?

    /// A hash of nothing yet.
    public init() {
        context = EVP_MD_CTX_new()
        reset()
    }

    deinit { EVP_MD_CTX_free(context) }

    private func reset() {
        // Memory and a known algorithm are all that this can lack.
        precondition(EVP_DigestInit_ex2(context, OpenSSL.sha256, nil) == 1, "SHA-256 is missing from libcrypto")
    }

    /// Adds bytes to the message.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "SHA-256 failed in libcrypto")
    }

    /// The digest of all that was added; the next `update` begins a new message.
    public func finish() -> Bytes32 {
        let digest = Bytes32 { output in
            precondition(
                EVP_DigestFinal_ex(context, output.bindMemory(to: UInt8.self).baseAddress, nil) == 1,
                "SHA-256 failed in libcrypto")
        }
        reset()
        return digest
    }

    /// The digest of one piece.
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> Bytes32 {
        Bytes32 { output in
            precondition(
                EVP_Digest(
                    bytes.baseAddress, bytes.count, output.bindMemory(to: UInt8.self).baseAddress, nil, OpenSSL.sha256,
                    nil) == 1, "SHA-256 is missing from libcrypto")
        }
    }

    /// The digest of one piece.
    public static func hash(_ bytes: [UInt8]) -> Bytes32 { bytes.withUnsafeBytes { hash($0) } }

    /// The digest of 32 bytes.
    public static func hash(_ bytes: Bytes32) -> Bytes32 { bytes.withUnsafeBytes { hash($0) } }
}
