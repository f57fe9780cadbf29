internal import COpenSSL

/// What every libcrypto call here shares: algorithms fetched once, failures as `CryptoError`.
enum OpenSSL {
    // Fetched once and never changed: a fetch costs more than hashing a block. libcrypto's method objects
    // are immutable and counted atomically, so sharing the pointers between threads is safe.
    nonisolated(unsafe) static let sha256: OpaquePointer? = {
        initialise()
        return EVP_MD_fetch(nil, "SHA256", nil)
    }()
    nonisolated(unsafe) static let aes256GCM: OpaquePointer? = {
        initialise()
        return EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    }()

    /// A context that knows its digest and no key: contexts of HMAC-SHA-256 are copies of it.
    nonisolated(unsafe) static let hmacSHA256: OpaquePointer? = {
        initialise()
        guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil), let context = EVP_MAC_CTX_new(algorithm) else {
            return nil
        }
        EVP_MAC_free(algorithm)
        // libcrypto keeps the pointers for the length of the call; both texts are static.
        let (parameter, digest): (StaticString, StaticString) = ("digest", "SHA256")
        func text(_ string: StaticString) -> UnsafeMutablePointer<CChar> {
            UnsafeMutableRawPointer(mutating: string.utf8Start).assumingMemoryBound(to: CChar.self)
        }
        var parameters = [
            OSSL_PARAM_construct_utf8_string(text(parameter), text(digest), 0), OSSL_PARAM_construct_end(),
        ]
        let isSet = EVP_MAC_CTX_set_params(context, &parameters) == 1
        return isSet ? context : nil
    }()

    /// Starts libcrypto without its configuration file: about 1 ms less at start-up.
    static func initialise() {
        _ = started
    }

    private static let started: Bool =
        OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT), nil) == 1

    /// The reason libcrypto noted last, as an error; empties its queue so that no later call reports it again.
    static func failure(_ operation: String) -> CryptoError {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard let reason = ERR_reason_error_string(code) else {
            return .library(operation: operation, reason: "error \(code)")
        }
        return .library(operation: operation, reason: String(cString: reason))
    }
}

/// Random bytes from libcrypto's generator.
public struct SystemRandom: RandomNumberGenerator, Sendable {
    /// The system's source; it has no state of its own.
    public init() {}

    public mutating func next() -> UInt64 {
        var value: UInt64 = 0
        withUnsafeMutableBytes(of: &value) { SystemRandom.fill($0) }
        return value
    }

    /// Fills the buffer with random bytes.
    public static func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        OpenSSL.initialise()
        let bytes = buffer.bindMemory(to: UInt8.self)
        // A machine without entropy cannot go on safely, and no peer can bring this about.
        precondition(RAND_bytes(bytes.baseAddress, Int32(bytes.count)) == 1, "the system has no random bytes")
    }

    /// Fills the buffer from the generator that libcrypto keeps apart for secrets: what `fill` shows to others tells
    /// nothing about its state.
    static func fillSecret(_ buffer: UnsafeMutableRawBufferPointer) {
        OpenSSL.initialise()
        let bytes = buffer.bindMemory(to: UInt8.self)
        precondition(RAND_priv_bytes(bytes.baseAddress, Int32(bytes.count)) == 1, "the system has no random bytes")
    }

    /// `count` random bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
            fill(UnsafeMutableRawBufferPointer(buffer))
            initialised = count
        }
    }
}
