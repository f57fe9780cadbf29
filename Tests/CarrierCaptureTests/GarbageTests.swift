import CarrierCapture
import NIOCore
import Testing

@Suite("Seeded garbage")
struct GarbageTests {
    /// What every input must give: its bytes back, lines of JSON, lines of text.
    static func check(_ input: ByteBuffer, pieceSize: Int = .max) throws {
        let decoded = try Decoded(input, pieceSize: pieceSize)
        #expect(decoded.original == input)
        #expect(encoded(decoded.json).bytes == input)
        _ = decoded.text
    }

    @Test("Garbage behind the magic of each form", arguments: 0..<100)
    func garbage(seed: Int) throws {
        var random = SeededRandom(UInt64(seed) &* 977)
        let magics: [[UInt8]] = [
            [], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], [0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a],
            Array("CARR".utf8) + [1], Array("{\"type\":\"frame\",\"raw_b64\":\"".utf8), Array("0x".utf8),
            Array("00000000: ".utf8), Array("QUJD".utf8), [16, 0, 0, 0, 10, 0, 0, 0],
        ]
        let magic = magics[seed % magics.count]
        // Few different bytes make structure likelier than even chances would.
        let alphabet = random.bytes(Int.random(in: 1...64, using: &random)) + [0, 1, 0x22, 0x7b, 0x0a]
        let rest = (0..<Int.random(in: 0...3000, using: &random)).compactMap { _ in
            alphabet.randomElement(using: &random)
        }
        try Self.check(ByteBuffer(bytes: magic + rest), pieceSize: Int.random(in: 1...500, using: &random))
    }
}
