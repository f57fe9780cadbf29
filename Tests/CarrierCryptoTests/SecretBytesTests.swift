import CarrierCrypto
import Foundation
import Testing

@Suite("Secrets")
struct SecretBytesTests {
    // The letters of the secret would show in any text made of its bytes.
    private let secret = SecretBytes(Array("swordfish".utf8))

    @Test("A secret prints as redacted, however it is printed")
    func redaction() throws {
        struct Holder { let secret: SecretBytes }
        var dumped = ""
        dump(Holder(secret: secret), to: &dumped)
        let texts = ["\(secret)", String(reflecting: secret), "\(Holder(secret: secret))", dumped, "\([secret])"]
        let leaks = ["swordfish", "115, 119", "73776f7264", hexString(Array("swordfish".utf8))]
        for text in texts {
            #expect(text.contains("<9 secret bytes>"))
            for leak in leaks { #expect(!text.contains(leak), "\(text)") }
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test("An identity prints its public name only")
    func identity() throws {
        let seed = [UInt8](repeating: 0x5a, count: 32)
        let identity = Identity(key: try Ed25519.SigningKey(seed: SecretBytes(seed)), puzzleNonce: .zero)
        var dumped = ""
        dump(identity, to: &dumped)
        for text in ["\(identity)", String(reflecting: identity), dumped] {
            #expect(!text.contains("5a5a") && !text.contains("90, 90"), "\(text)")
        }
        #expect("\(identity)" == "identity \(identity.peerID)")
    }

    @Test("The bytes are copied in and read back")
    func content() {
        #expect(secret.withUnsafeBytes { Array($0) } == Array("swordfish".utf8))
        #expect(secret.count == 9)
        #expect(SecretBytes([]).withUnsafeBytes { $0.count } == 0)
        #expect(SecretBytes(count: 4) { _ in }.withUnsafeBytes { Array($0) } == [0, 0, 0, 0])
    }

    @Test("Random secrets differ")
    func random() {
        let many = (0..<100).map { _ in SecretBytes.random(count: 32).withUnsafeBytes { Array($0) } }
        #expect(Set(many).count == 100)
    }

    @Test("The memory of a secret is wiped when its last reference goes")
    func wipe() throws {
        // Through /proc, because the language does not let a freed address be read.
        let memory = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/mem"))
        defer { try? memory.close() }
        func read(_ address: UInt, _ count: Int) throws -> Data {
            try memory.seek(toOffset: UInt64(address))
            return try memory.read(upToCount: count) ?? Data()
        }
        var secret: SecretBytes? = SecretBytes([UInt8](repeating: 0xa5, count: 4096))
        let address = try #require(secret?.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) })
        #expect(try read(address, 4096).filter { $0 == 0xa5 }.count == 4096)
        secret = nil
        // Others may have written there since; what they may not find is the secret.
        #expect(try read(address, 4096).filter { $0 == 0xa5 }.count < 64)
    }
}
