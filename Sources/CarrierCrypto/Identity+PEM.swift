internal import COpenSSL

/// What is wrong with an identity in PEM.
public enum IdentityFormatError: Error, Equatable, CustomStringConvertible {
    /// No block of this name.
    case missing(String)
    /// The private key is not Ed25519 in PKCS#8.
    case unsupportedKey
    /// The puzzle nonce has another size than 32 bytes.
    case nonceSize(Int)

    public var description: String {
        switch self {
        case .missing(let name): "expected a PEM block \(name), got none; write a new identity with carrier keygen"
        case .unsupportedKey: "expected an unencrypted PKCS#8 Ed25519 key, got another kind of key"
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
        return SecretBytes(count: Int(BIO_ctrl_pending(output))) { text in
            BIO_read(output, text.baseAddress, Int32(text.count))
        }
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
            while let block = PEMBlock(from: input) {
                if block.name == Self.keyBlock { seed = try Self.seed(inPKCS8: block.bytes) }
                if block.name == Self.nonceBlock { nonce = Array(block.bytes) }
            }
        }
        guard let seed else { throw IdentityFormatError.missing(Self.keyBlock) }
        guard let nonce else { throw IdentityFormatError.missing(Self.nonceBlock) }
        guard let puzzleNonce = Bytes32(nonce) else { throw IdentityFormatError.nonceSize(nonce.count) }
        self.init(key: try Ed25519.SigningKey(seed: seed), puzzleNonce: puzzleNonce)
    }

    private static func seed(inPKCS8 der: UnsafeRawBufferPointer) throws -> SecretBytes {
        var position = der.bindMemory(to: UInt8.self).baseAddress
        let key = d2i_AutoPrivateKey(nil, &position, der.count)
        defer {
            EVP_PKEY_free(key)
            ERR_clear_error()
        }
        guard let key, EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 else { throw IdentityFormatError.unsupportedKey }
        return SecretBytes(count: 32) { output in
            var count = output.count
            EVP_PKEY_get_raw_private_key(key, output.bindMemory(to: UInt8.self).baseAddress, &count)
        }
    }
}

/// One block of a PEM text, wiped when done.
private final class PEMBlock {
    let name: String
    let bytes: UnsafeRawBufferPointer
    private let storage: UnsafeMutablePointer<UInt8>

    /// The next block of the text; nil when there is none.
    init?(from input: OpaquePointer) {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard PEM_read_bio(input, &name, &header, &data, &count) == 1, let name, let data else {
            ERR_clear_error()
            return nil
        }
        self.name = String(cString: name)
        storage = data
        bytes = UnsafeRawBufferPointer(start: data, count: count)
        CRYPTO_free(name, #file, #line)
        CRYPTO_free(header, #file, #line)
    }

    deinit { CRYPTO_clear_free(storage, bytes.count, #file, #line) }
}
