import CarrierCapture
import Foundation
import Testing

@testable import CarrierCLI

@Suite("JSON lines")
struct JSONLineTests {
    private func line(_ body: (inout JSONLine) -> Void) -> String {
        var line = JSONLine()
        line.begin("t")
        body(&line)
        line.end()
        return String(decoding: line.bytes.bytes, as: UTF8.self)
    }

    @Test("keys keep their order, values their kind")
    func values() {
        let text = line { line in
            line.add("n", -5)
            line.add("big", UInt64.max)
            line.add("small", Int64.min)
            line.add("yes", true)
            line.addNull("none")
            line.add("loss_pct", 100.0 / 3)
            line.add("whole", 100.0)
            line.add("nan", Double.nan)
            line.add("rtt_ms", milliseconds: .microseconds(410))
            line.object("rtt") { line in
                line.add("min", 0.5)
                line.object("deep") { _ in }
            }
            line.add("addresses", ["a", "b"])
            line.array("objects") { line in
                line.elementObject { $0.add("x", 1) }
                line.elementObject { $0.add("x", 2) }
                line.element(3)
            }
            line.add("after", 1)
        }
        #expect(
            text == """
                {"type":"t","n":-5,"big":18446744073709551615,"small":-9223372036854775808,"yes":true,"none":null,\
                "loss_pct":33.333,"whole":100,"nan":null,"rtt_ms":0.41,"rtt":{"min":0.5,"deep":{}},"addresses":["a","b"],\
                "objects":[{"x":1},{"x":2},3],"after":1}

                """)
    }

    @Test("any text comes back from a JSON reader as it went in, on one line of harmless bytes")
    func strings() throws {
        var generator = SystemRandomNumberGenerator()
        let letters: [Character] = [
            "a", "\"", "\\", "\n", "\r", "\t", "\u{0}", "\u{1b}", "\u{7f}", "\u{85}", "\u{9b}", "é", "€", "😀",
            "\u{2028}", "/",
            "\u{a0}", "\u{ffff}",
        ]
        for length in 0..<80 {
            let text = String((0..<length).map { _ in letters.randomElement(using: &generator) ?? "a" })
            let json = line { $0.add("s", text) }
            let decoded = try JSONDecoder().decode([String: String].self, from: Data(json.utf8))
            #expect(decoded["s"]?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
            #expect(
                !json.dropLast().unicodeScalars.contains { $0.value < 0x20 || ($0.value >= 0x7f && $0.value < 0xa0) })
        }
    }

    @Test("base64 is what Foundation makes of the same bytes, at every length")
    func base64() {
        for length in 0..<100 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255) }
            let text = bytes.withUnsafeBytes { raw in line { $0.add("b", base64: raw) } }
            #expect(text == "{\"type\":\"t\",\"b\":\"\(Data(bytes).base64EncodedString())\"}\n")
        }
    }

    @Test("payload has text only where it is UTF-8")
    func payload() {
        func payload(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { raw in line { $0.add(payload: raw) } } }
        #expect(
            payload(Array("line0".utf8))
                == #"{"type":"t","bytes":5,"payload_b64":"bGluZTA=","text":"line0"}"# + "\n")
        #expect(payload([0xff, 0x00]) == #"{"type":"t","bytes":2,"payload_b64":"/wA="}"# + "\n")
        #expect(payload([]) == #"{"type":"t","bytes":0,"payload_b64":"","text":""}"# + "\n")
    }

    @Test("what counts as UTF-8 is what the standard library counts")
    func utf8() {
        var generator = SystemRandomNumberGenerator()
        let interesting: [UInt8] = [
            0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0,
            0xf1,
            0xf4, 0xf5, 0xff,
        ]
        for _ in 0..<20_000 {
            let prefix = [UInt8](repeating: 0x41, count: Int.random(in: 0...20, using: &generator))
            let tail = (0..<Int.random(in: 0...5)).map { _ in interesting.randomElement(using: &generator) ?? 0 }
            let bytes = prefix + tail
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            #expect(bytes.withUnsafeBytes { LineBuffer.isUTF8($0) } == isValid, "\(bytes)")
        }
    }

    @Test("text lines show control bytes and never obey them")
    func text() {
        #expect(escaped("a\nb\tc\u{1b}[31m\\") == #"a\nb\tc\x1b[31m\\"#)
        #expect(escaped("grün €") == "grün €")
        #expect(escaped("\u{9b}2J") == #"\xc2\x9b2J"#)
        let bytes: [UInt8] = [0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82]
        #expect(bytes.withUnsafeBytes { escaped($0) } == #"a\xff\xc3(\xe2\x82"#)
    }
}
