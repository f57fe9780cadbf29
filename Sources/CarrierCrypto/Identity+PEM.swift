internal import COpenSSL

/// What is wrong with an identity in PEM.
public enum IdentityFormatError: Error, Equatable, CustomStringConvertible {
    /// No block of this name.
    case missing(String)
    /// A second block of this name: which one would be meant?
    case repeated(String)
    /// A block that is cut short or is not base64; carries libcrypto's reason.
    case malformed(String)
    /// The private key is not Ed25519 in PKCS#8, or encrypted.
    case unsupportedKey
    /// The puzzle nonce has another size than 32 bytes.
    case nonceSize(Int)

    public var description: String {
        switch self {
        case .missing(let name): "expected a PEM block \(name), got none; write a new identity with carrier keygen"
        case .repeated(let name): "expected one PEM block \(name), got a second one; keep one identity a file"
        case .malformed(let reason): "expected whole PEM blocks, got a broken one (\(reason)); restore the file"
        case .unsupportedKey:
            "expected an unencrypted PKCS#8 Ed25519 key, got another kind of key; decrypt it with openssl pkey"
        case .nonceSize(let count): "expected a puzzle nonce of 32 bytes, got \(count)"
        }
    }
}

extension Identity {
    private static let keyBlock = "PRIVATE KEY"
    private static let nonceBlock = "CARRIER PUZZLE NONCE"

    /// The identity as a file holds it: a PKCS#8 `PRIVATE KEY` block, then a `CARRIER PUZZLE NONCE` block.
    public func pem() throws(CryptoError) -> SecretBytes {
        let key = self.key.seed.withUnsafeBytes { bytes in
            EVP_PKEY_new_raw_private_key(
                EVP_PKEY_ED25519, nil, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        }
        defer { EVP_PKEY_free(key) }
        guard let output = BIO_new(BIO_s_secmem()) else { throw OpenSSL.failure("BIO_new") }
        defer { BIO_free(output) }
        let nonce = puzzleNonce.array
        guard
            PEM_write_bio_PrivateKey(output, key, nil, nil, 0, nil, nil) == 1,
            PEM_write_bio(output, Self.nonceBlock, "", nonce, nonce.count) > 0
        else { throw OpenSSL.failure("PEM_write_bio") }
        var count: Int32 = 0
        let text = SecretBytes(count: Int(BIO_ctrl_pending(output))) { text in
            count = BIO_read(output, text.baseAddress, Int32(text.count))
        }
        guard count == text.count else { throw OpenSSL.failure("BIO_read") }
        return text
    }

    /// Reads what `pem()` writes; other blocks and text around the two are passed over.
    public init(pem text: SecretBytes) throws {
        var seed: SecretBytes?
        var nonce: [UInt8]?
        OpenSSL.initialise()
        try text.withUnsafeBytes { text in
            guard let input = BIO_new_mem_buf(text.baseAddress, Int32(clamping: text.count)) else {
                throw OpenSSL.failure("BIO_new_mem_buf")
            }
            defer { BIO_free(input) }
            while let block = try PEMBlock.next(in: input) {
                switch block.name {
                case Self.keyBlock:
                    guard seed == nil else { throw IdentityFormatError.repeated(block.name) }
                    seed = try Self.seed(inPKCS8: block.bytes)
                case Self.nonceBlock:
                    guard nonce == nil else { throw IdentityFormatError.repeated(block.name) }
                    nonce = Array(block.bytes)
                // ENCRYPTED, EC, RSA, OPENSSH: a key, and not one that can be used.
                case let name where name.hasSuffix(Self.keyBlock): throw IdentityFormatError.unsupportedKey
                default: break
                }
            }
        }
        guard let seed else { throw IdentityFormatError.missing(Self.keyBlock) }
        guard let nonce else { throw IdentityFormatError.missing(Self.nonceBlock) }
        guard let puzzleNonce = Bytes32(nonce) else { throw IdentityFormatError.nonceSize(nonce.count) }
        self.init(key: try Ed25519.SigningKey(seed: seed), puzzleNonce: puzzleNonce)
    }

    private static func seed(inPKCS8 der: UnsafeRawBufferPointer) throws(IdentityFormatError) -> SecretBytes {
        var position = der.bindMemory(to: UInt8.self).baseAddress
        let key = d2i_AutoPrivateKey(nil, &position, der.count)
        defer {
            EVP_PKEY_free(key)
            ERR_clear_error()
        }
        guard let key, EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 else { throw .unsupportedKey }
        var status: Int32 = 0
        let seed = SecretBytes(count: 32) { output in
            var count = output.count
            status = EVP_PKEY_get_raw_private_key(key, output.bindMemory(to: UInt8.self).baseAddress, &count)
        }
        // A key of zeros would be no key at all.
        guard status == 1 else { throw .unsupportedKey }
        return seed
    }
}

/// One block of a PEM text, wiped when done.
private final class PEMBlock {
    let name: String
    let bytes: UnsafeRawBufferPointer
    private let storage: UnsafeMutablePointer<UInt8>

    private init(name: String, owning storage: UnsafeMutablePointer<UInt8>, count: Int) {
        self.name = name
        self.storage = storage
        bytes = UnsafeRawBufferPointer(start: storage, count: count)
    }

    /// The next block of the text; nil when there is none.
    static func next(in input: OpaquePointer) throws(IdentityFormatError) -> PEMBlock? {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var count = 0
        ERR_clear_error()
        guard PEM_read_bio(input, &name, &header, &data, &count) == 1, let name, let data else {
            let isAtEnd = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
            let failure = OpenSSL.failure("PEM_read_bio")
            if isAtEnd { return nil }
            throw .malformed("\(failure)")
        }
        defer {
            CRYPTO_free(name, #file, #line)
            CRYPTO_free(header, #file, #line)
        }
        return PEMBlock(name: String(cString: name), owning: data, count: count)
    }

    deinit { CRYPTO_clear_free(storage, bytes.count, #file, #line) }
}
