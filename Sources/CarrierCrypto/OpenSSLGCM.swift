internal import COpenSSL

/// AES-256-GCM by the system's libcrypto: one context for many messages. Each call says whether libcrypto did it.
///
/// `BoringSSLGCM` has the same calls; `AESGCM` uses the one that the build chose.
struct OpenSSLGCM: ~Copyable {
    private let context: OpaquePointer

    init?() {
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        self.context = context
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// - Parameter key: 32 bytes.
    func setKey(_ key: UnsafePointer<UInt8>?) -> Bool {
        EVP_CipherInit_ex2(context, OpenSSL.aes256GCM, key, nil, 1, nil) == 1
    }

    /// - Parameter nonce: 12 bytes.
    func begin(seals: Bool, nonce: UnsafePointer<UInt8>?) -> Bool {
        EVP_CipherInit_ex2(context, nil, nil, nonce, seals ? 1 : 0, nil) == 1
    }

    /// Transforms bytes; authenticates them alone where there is no output.
    func update(_ input: UnsafePointer<UInt8>?, _ size: Int32, into output: UnsafeMutablePointer<UInt8>?) -> Bool {
        var count: Int32 = 0
        return EVP_CipherUpdate(context, output, &count, input, size) == 1
    }

    /// - Parameter tag: takes 16 bytes.
    func finishSealing(tag: UnsafeMutableRawPointer?) -> Bool {
        var (count, spare): (Int32, UInt8) = (0, 0)
        return EVP_CipherFinal_ex(context, &spare, &count) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1
    }

    /// Whether all that was opened is what the 16 bytes of the tag vouch for.
    func finishOpening(tag: UnsafeRawPointer?) -> Bool {
        var (count, spare): (Int32, UInt8) = (0, 0)
        return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, UnsafeMutableRawPointer(mutating: tag)) == 1
            && EVP_CipherFinal_ex(context, &spare, &count) == 1
    }
}
