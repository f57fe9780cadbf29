import CarrierCrypto
import CarrierProtocols
import NIOCore
import Testing

@Suite("Records")
struct RecordTests {
    private let key = SecretBytes([UInt8](0..<32))

    private func record(_ sealer: inout RecordSealer, _ text: String) throws -> ByteBuffer {
        var output = ByteBuffer()
        try sealer.seal(ByteBuffer(string: text), into: &output)
        return output
    }

    private func open(_ opener: inout RecordOpener, _ record: ByteBuffer) throws -> String {
        var (record, plaintext) = (record, ByteBuffer())
        try opener.open(&record, into: &plaintext)
        return String(buffer: plaintext)
    }

    @Test("a record that does not open leaves the counter where it was")
    func counter() throws {
        var sealer = try RecordSealer(key: key)
        var opener = try RecordOpener(key: key)
        let (first, second) = (try record(&sealer, "one"), try record(&sealer, "two"))
        var altered = first
        altered.setInteger(UInt8(0), at: altered.readerIndex + 3)
        #expect(throws: CryptoError.authenticationFailed) { _ = try open(&opener, altered) }
        #expect(throws: CryptoError.authenticationFailed) { _ = try open(&opener, second) }
        #expect(opener.recordCount == 0)
        #expect(try open(&opener, first) == "one")
        #expect(throws: CryptoError.authenticationFailed) { _ = try open(&opener, first) }
        #expect(try open(&opener, second) == "two")
    }

    @Test("a length too short for a tag is refused by the prefix alone", arguments: [0, 1, 15])
    func tooShort(length: Int) throws {
        for isSplit in [false, true] {
            var opener = try RecordOpener(key: key)
            var bytes = ByteBuffer()
            bytes.writeInteger(UInt16(length), endianness: .little)
            if isSplit, let first = bytes.readSlice(length: 1) { #expect(try open(&opener, first).isEmpty) }
            #expect(throws: CryptoError.authenticationFailed) { _ = try open(&opener, bytes) }
        }
    }

    @Test("pieces of every size give the same plaintext")
    func pieces() throws {
        for piece in 1...64 {
            var sealer = try RecordSealer(key: key)
            var opener = try RecordOpener(key: key)
            var bytes = ByteBuffer()
            for text in ["", "a", "some words", "", String(repeating: "long ", count: 50)] {
                bytes.writeImmutableBuffer(try record(&sealer, text))
                try sealer.seal(size: 0, into: &bytes) { _ in }
            }
            var plaintext = ""
            while let slice = bytes.readSlice(length: min(piece, bytes.readableBytes)), slice.readableBytes > 0 {
                plaintext += try open(&opener, slice)
            }
            #expect(plaintext == "asome words" + String(repeating: "long ", count: 50))
            #expect(!opener.isInsideRecord)
        }
    }

    @Test("both sides change their key after 2^20 records and go on")
    func rekey() throws {
        var sealer = try RecordSealer(key: key)
        var opener = try RecordOpener(key: key)
        var (bytes, plaintext) = (ByteBuffer(), ByteBuffer())
        let interval = Int(RecordSealer.rekeyInterval)
        for number in 0..<interval + 2 {
            try sealer.seal(size: 0, into: &bytes) { _ in }
            if number % 4096 == 0 || number >= interval - 1 {
                try opener.open(&bytes, into: &plaintext)
                bytes.clear()
            }
        }
        #expect(opener.recordCount == UInt64(interval + 2))
        #expect(try open(&opener, record(&sealer, "after")) == "after")
        // Without the change the key would still be the first one.
        var old = try RecordSealer(key: key)
        var first = ByteBuffer()
        try old.seal(size: 0, into: &first) { _ in }
        #expect(throws: CryptoError.authenticationFailed) { _ = try open(&opener, first) }
    }
}
