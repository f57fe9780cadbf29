import CarrierCrypto
import Foundation
import Testing

private let openSSLPath = "/usr/bin/openssl"
private let hasOpenSSL = FileManager.default.isExecutableFile(atPath: openSSLPath)

@Suite("Identity in PEM")
struct IdentityPEMTests {
    private func identity() throws -> Identity {
        Identity(key: try .generate(), puzzleNonce: try #require(Bytes32(SystemRandom.bytes(32))))
    }

    private func text(_ identity: Identity) throws -> String {
        String(decoding: try identity.pem().withUnsafeBytes { Array($0) }, as: UTF8.self)
    }

    private func read(_ text: String) throws -> Identity { try Identity(pem: SecretBytes(Array(text.utf8))) }

    /// Runs openssl with `input` on its standard input.
    private func openSSL(_ arguments: String..., input: String = "") throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: openSSLPath)
        process.arguments = arguments
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = FileHandle.nullDevice
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    private let nonceBlock =
        "-----BEGIN CARRIER PUZZLE NONCE-----\n\(Data(repeating: 7, count: 32).base64EncodedString())\n-----END CARRIER PUZZLE NONCE-----\n"

    @Test("An identity is read as it was written")
    func roundTrip() throws {
        for _ in 0..<20 {
            let before = try identity()
            let after = try read(try text(before))
            #expect(after.peerID == before.peerID)
            #expect(after.puzzleNonce == before.puzzleNonce)
            #expect(after.key.seed.withUnsafeBytes { Array($0) } == before.key.seed.withUnsafeBytes { Array($0) })
            #expect(try text(after) == text(before))
        }
    }

    @Test("Other blocks, text around and CRLF are passed over")
    func surroundings() throws {
        let before = try identity()
        let certificate = "-----BEGIN SOMETHING-----\nAAAA\n-----END SOMETHING-----\n"
        let written = try text(before)
        #expect(try read("a line\n\(certificate)\(written)\nanother line\n").peerID == before.peerID)
        #expect(try read(written.replacing("\n", with: "\r\n")).peerID == before.peerID)
        let blocks = written.replacing("-----BEGIN CARRIER", with: "|-----BEGIN CARRIER").split(separator: "|")
        #expect(try read(blocks.reversed().joined()).peerID == before.peerID)
    }

    @Test("openssl pkey reads the file as it is", .enabled(if: hasOpenSSL, "needs the openssl command"))
    func openSSLReads() throws {
        let identity = try identity()
        let file = FileManager.default.temporaryDirectory.appending(path: "carrier-\(UUID()).pem")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(try text(identity).utf8).write(to: file)
        let result = try openSSL("pkey", "-in", file.path, "-noout", "-text")
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("ED25519 Private-Key:"))
        let digits = result.output.filter { $0.isHexDigit }
        #expect(digits.contains(identity.peerID.description))
    }

    @Test("An Ed25519 key made by openssl serves as an identity", .enabled(if: hasOpenSSL, "needs the openssl command"))
    func openSSLWrites() throws {
        let made = try openSSL("genpkey", "-algorithm", "ED25519").output
        let identity = try read(made + nonceBlock)
        let digits = try openSSL("pkey", "-noout", "-text", input: made).output.filter { $0.isHexDigit }
        #expect(digits.contains(identity.peerID.description))
    }

    @Test(
        "Keys of other kinds and encrypted keys are refused as such",
        .enabled(if: hasOpenSSL, "needs the openssl command"))
    func otherKeys() throws {
        let keys = [
            try openSSL("genpkey", "-algorithm", "X25519").output,
            try openSSL("genpkey", "-algorithm", "ED448").output,
            try openSSL("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256").output,
            try openSSL("ecparam", "-name", "prime256v1", "-genkey", "-noout").output,
            try openSSL("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024").output,
            try openSSL("genpkey", "-algorithm", "ED25519", "-aes256", "-pass", "pass:secret").output,
        ]
        for key in keys {
            #expect(key.contains("PRIVATE KEY"))
            #expect(throws: IdentityFormatError.unsupportedKey, "\(key)") { try read(key + nonceBlock) }
        }
    }

    @Test("A public key is no identity", .enabled(if: hasOpenSSL, "needs the openssl command"))
    func publicKey() throws {
        let made = try openSSL("genpkey", "-algorithm", "ED25519").output
        let publicHalf = try openSSL("pkey", "-pubout", input: made).output
        #expect(throws: IdentityFormatError.missing("PRIVATE KEY")) { try read(publicHalf + nonceBlock) }
    }

    @Test("A file cut short anywhere is refused")
    func truncation() throws {
        let written = try text(try identity())
        let whole = written.utf8.count
        for count in 0..<(whole - 1) {
            #expect(throws: IdentityFormatError.self, "\(count) of \(whole) bytes") {
                try read(String(written.prefix(count)))
            }
        }
    }

    @Test("A missing or doubled block is named")
    func blocks() throws {
        let written = try text(try identity())
        let boundary = try #require(written.range(of: "-----BEGIN CARRIER"))
        let (key, nonce) = (written[..<boundary.lowerBound], written[boundary.lowerBound...])
        #expect(throws: IdentityFormatError.missing("CARRIER PUZZLE NONCE")) { try read(String(key)) }
        #expect(throws: IdentityFormatError.missing("PRIVATE KEY")) { try read(String(nonce)) }
        #expect(throws: IdentityFormatError.repeated("PRIVATE KEY")) { try read("\(key)\(key)\(nonce)") }
        #expect(throws: IdentityFormatError.repeated("CARRIER PUZZLE NONCE")) { try read("\(key)\(nonce)\(nonce)") }
    }

    @Test("A nonce of another size is refused", arguments: [1, 31, 33, 64])
    func nonceSize(count: Int) throws {
        let written = try text(try identity())
        let boundary = try #require(written.range(of: "-----BEGIN CARRIER"))
        let base64 = Data(repeating: 1, count: count).base64EncodedString(options: .lineLength64Characters)
        let block = "-----BEGIN CARRIER PUZZLE NONCE-----\n\(base64)\n-----END CARRIER PUZZLE NONCE-----\n"
        #expect(throws: IdentityFormatError.nonceSize(count)) { try read(written[..<boundary.lowerBound] + block) }
    }

    @Test("Garbage is refused", arguments: 0..<200)
    func garbage(seed: Int) throws {
        var generator = SystemRandom()
        var written = Array(try text(try identity()).utf8)
        // From a few altered bytes to nothing but random ones.
        for _ in 0...(seed * 2) {
            written[Int.random(in: 0..<written.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        // What matters is that it ends in a value or a typed error, whatever was hit.
        do { _ = try Identity(pem: SecretBytes(written)) } catch is IdentityFormatError {} catch is CryptoError {}
    }
}
