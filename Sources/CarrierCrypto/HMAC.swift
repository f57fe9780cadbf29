internal import COpenSSL

/// HMAC-SHA-256 (RFC 2104) with one context that is used again for each message: libcrypto's function for a single message takes
/// three times as long.
final class HMAC {
    /// Bytes of a code.
    static let size = 32

    private let context: OpaquePointer?

    init() {
        context = OpenSSL.hmacSHA256.flatMap { EVP_MAC_CTX_dup($0) }
        // libcrypto looks into a context before it asks whether there is one.
        precondition(context != nil, "HMAC-SHA-256 is missing from libcrypto")
    }

    deinit { EVP_MAC_CTX_free(context) }

    /// Writes the code of `message` under `key` into `output` (32 bytes).
    func write(
        key: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(output.count == Self.size, "an HMAC-SHA-256 has 32 bytes")
        // A null key pointer would mean "the key of the call before" to libcrypto.
        var none: UInt8 = 0
        let isWritten = withUnsafePointer(to: &none) { empty in
            EVP_MAC_init(context, key.bindMemory(to: UInt8.self).baseAddress ?? empty, key.count, nil) == 1
                && EVP_MAC_update(context, message.bindMemory(to: UInt8.self).baseAddress, message.count) == 1
                && EVP_MAC_final(context, output.bindMemory(to: UInt8.self).baseAddress, nil, output.count) == 1
        }
        // Going on would mean going on under a key of zeros. Memory and a known algorithm are all that this can lack.
        precondition(isWritten, "HMAC-SHA-256 failed in libcrypto")
    }
}
