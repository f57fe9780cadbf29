import CarrierCapture
import CarrierCrypto
import CarrierWire
import Foundation
import NIOCore
import Testing

@Suite("Forms of input")
struct InputFormTests {
    private let frames: [Frame] = [
        Ping(payload: ByteBuffer(bytes: 0..<32)).frame(flags: .request, nonce: 7),
        Frame(.bytes, flags: .endOfStream, body: ByteBuffer(string: "hello hello hello")),
    ]

    private func expectFrames(_ text: String, _ comment: Comment? = nil) throws {
        for pieceSize in [1, 5, 64, Int.max] {
            let decoded = try Decoded(ByteBuffer(string: text), pieceSize: pieceSize)
            #expect(decoded.kinds == ["ping", "bytes"], comment)
            #expect(decoded.frames == frames.map { Samples.bytes([$0]) }, comment)
        }
    }

    private var hex: [String] {
        Samples.bytes(frames).array.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    }

    @Test("Bare hex digits, in one line, folded, in capitals, with carriage returns")
    func bareHex() throws {
        let line = hex.joined()
        try expectFrames(line)
        try expectFrames(line.uppercased() + "\r\n")
        let folded = stride(from: 0, to: hex.count, by: 30).map { hex[$0..<min($0 + 30, hex.count)].joined() }
        try expectFrames(folded.joined(separator: "\n"))
        try expectFrames("# a note\n\n" + folded.joined(separator: "\r\n") + "\r\n")
    }

    @Test("Hex digits with separators and prefixes")
    func separators() throws {
        try expectFrames("0x" + hex.joined())
        try expectFrames(hex.map { "0x\($0)" }.joined(separator: ", "))
        try expectFrames(hex.joined(separator: ":"))
        try expectFrames(hex.map { "\\x\($0)" }.joined())
        try expectFrames(hex.joined(separator: " "))
    }

    @Test("A frame a line, as cut out of a log")
    func lines() throws {
        let lines = frames.map { "0x" + RoundTripTests.hex(Samples.bytes([$0])) }
        try expectFrames(lines.joined(separator: "\n") + "\n")
    }

    @Test("The columns of xxd and of hexdump -C")
    func columns() throws {
        let bytes = Samples.bytes(frames).array
        var xxd = ""
        var hexdump = ""
        for start in stride(from: 0, to: bytes.count, by: 16) {
            let row = bytes[start..<min(start + 16, bytes.count)]
            let offset = String(start, radix: 16)
            let column = String(repeating: "0", count: 8 - offset.count) + offset
            let digits = row.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            let pairs = stride(from: 0, to: digits.count, by: 2)
                .map { digits[$0..<min($0 + 2, digits.count)].joined() }.joined(separator: " ")
            let text = row.map { $0 >= 0x20 && $0 < 0x7f ? String(UnicodeScalar($0)) : "." }.joined()
            xxd += "\(column): \(pairs)\(String(repeating: " ", count: 39 - pairs.count))  \(text)\n"
            hexdump += "\(column)  \(digits.prefix(8).joined(separator: " "))  "
            hexdump += "\(digits.dropFirst(8).joined(separator: " "))  |\(text)|\n"
        }
        hexdump += "00000051\n"
        try expectFrames(xxd, "xxd")
        try expectFrames(xxd.replacingOccurrences(of: "\n", with: "\r\n"), "xxd with CRLF")
        try expectFrames(hexdump, "hexdump -C")
    }

    @Test("Base64, folded, unpadded, of both alphabets")
    func base64() throws {
        let data = Data(Samples.bytes(frames).readableBytesView)
        try expectFrames(data.base64EncodedString())
        try expectFrames(
            data.base64EncodedString(options: [.lineLength64Characters, .endLineWithCarriageReturn]) + "\n")
        let url = data.base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
        try expectFrames(url)
    }

    @Test("Bad lines of hex are reported and passed over")
    func badHex() throws {
        let line = RoundTripTests.hex(Samples.bytes(frames))
        let decoded = try Decoded(ByteBuffer(string: "0a0b0\n\(line)\nnot hex at all\n"))
        #expect(decoded.kinds == ["ping", "bytes"])
        #expect(decoded.gaps.map(\.reason).contains("odd count of digits"))
        #expect(decoded.gaps.map(\.reason).contains("not hex digits"))
    }

    @Test("A line of hex of any length is read in bounded memory")
    func longLine() throws {
        let many = (0..<3000).map { _ in Ping(payload: ByteBuffer(repeating: 9, count: 33)).frame() }
        let decoded = try Decoded(ByteBuffer(string: RoundTripTests.hex(Samples.bytes(many))), pieceSize: 1000)
        #expect(decoded.kinds.count == 3000)
        #expect(decoded.gaps.isEmpty)
    }

    @Test("Forms nest: a recording in base64 in JSON")
    func nesting() throws {
        let recording = try Samples.recording()
        let base64 = ByteBuffer(string: Data(recording.readableBytesView).base64EncodedString())
        let decoded = try Decoded(try Decoded(base64).json)
        #expect(decoded.frames == (try Samples.frames().map { Samples.bytes([$0]) }))
        #expect(decoded.units.allSatisfy { $0.peer == Samples.identity.peerID })
    }

    @Test("A form that was asked for is taken, guess or not")
    func explicit() throws {
        var options = CaptureDecoder.Options()
        options.form = .frames
        let decoded = try Decoded(ByteBuffer(string: "00112233"), options)
        #expect(decoded.gaps.map(\.length) == [8])
        options.form = .pcap
        #expect(try Decoded(ByteBuffer(string: "no capture"), options).original == ByteBuffer(string: "no capture"))
    }
}
