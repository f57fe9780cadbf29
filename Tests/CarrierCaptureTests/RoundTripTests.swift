import CarrierCapture
import CarrierWire
import Foundation
import NIOCore
import Testing

@Suite("There and back: JSON gives the input again")
struct RoundTripTests {
    /// Inputs of every form, damaged ones too.
    static let inputs = Result { try makeInputs() }

    private static func makeInputs() throws -> [(name: String, bytes: ByteBuffer)] {
        var random = SeededRandom(11)
        let frames = Samples.bytes(try Samples.frames())
        let recording = try Samples.recording()
        let session = try SampleSession(initiator: try Samples.frames(), responder: try Samples.frames())
        var tcp = PacketBuilder()
        tcp.add(PacketBuilder.segments(session))
        var cut = recording
        _ = cut.readSlice(length: 0)
        cut = cut.getSlice(at: 0, length: cut.readableBytes - 5) ?? cut
        var inputs: [(String, ByteBuffer)] = [
            ("nothing", ByteBuffer()), ("a byte", ByteBuffer(bytes: [0])), ("frames", frames),
            ("text", ByteBuffer(string: "Nobody expects a frame here.\n")), ("recording", recording),
            ("recording cut short", cut), ("capture of TCP", tcp.bytes),
            ("hex", ByteBuffer(string: hex(frames))),
            ("odd hex", ByteBuffer(string: "0x0a 0\n# note\nzz\r\n" + hex(frames))),
            ("base64", ByteBuffer(string: Data(frames.readableBytesView).base64EncodedString())),
            ("hex of a capture", ByteBuffer(string: hex(tcp.bytes))),
            ("a session's direction", session.fromInitiator.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }),
            ("JSON", try Decoded(frames).json), ("JSON of JSON", try Decoded(try Decoded(recording).json).json),
            ("broken JSON", ByteBuffer(string: "{\"type\":\"frame\",\n{\"type\":\"gap\",\"raw_b64\":\"AAA\n\"}\n{{{")),
            (
                "pcapng magic and nothing else",
                ByteBuffer(bytes: [0x0a, 0x0d, 0x0d, 0x0a, 1, 2, 3, 4, 0x4d, 0x3c, 0x2b, 0x1a])
            ),
        ]
        for count in [1, 15, 16, 17, 1000, 66_000] {
            inputs.append(("\(count) random", ByteBuffer(bytes: random.bytes(count))))
        }
        return inputs
    }

    static func hex(_ bytes: ByteBuffer) -> String {
        bytes.array.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("Any input comes back byte for byte, whatever the pieces", arguments: [1, 13, 4096, Int.max])
    func everyForm(pieceSize: Int) throws {
        for (name, input) in try Self.inputs.get() where pieceSize > 1 || input.readableBytes < 4000 {
            let decoded = try Decoded(input, pieceSize: pieceSize)
            #expect(decoded.original == input, "\(name)")
            let back = encoded(decoded.json, pieceSize: pieceSize)
            #expect(back.bytes == input, "\(name)")
            #expect(back.gaps == 0, "\(name)")
        }
    }

    @Test("With keys, opened sessions do not disturb the way back")
    func withKeys() throws {
        let session = try SampleSession(initiator: try Samples.frames(), responder: [])
        let input = session.fromInitiator.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
        let decoded = try Decoded(input, session.options)
        #expect(decoded.frames.count == (try Samples.frames().count))
        #expect(encoded(decoded.json).bytes == input)
    }

    @Test("Damaged, cut and mixed up captures and JSON come back too", arguments: 0..<120)
    func damaged(seed: Int) throws {
        var random = SeededRandom(UInt64(seed))
        let inputs = try Self.inputs.get()
        guard var input = inputs.randomElement(using: &random)?.bytes, input.readableBytes > 0 else { return }
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            input.setInteger(
                UInt8.random(in: 0...255, using: &random), at: Int.random(in: 0..<input.readableBytes, using: &random))
        }
        let place = Int.random(in: 0...input.readableBytes, using: &random)
        let end = input.getSlice(at: place, length: input.readableBytes - place) ?? ByteBuffer()
        switch seed % 4 {
        case 0: input.moveWriterIndex(to: place)
        case 1:
            input.moveWriterIndex(to: place)
            input.writeBytes(random.bytes(Int.random(in: 1...100, using: &random)))
            input.writeImmutableBuffer(end)
        case 2: if let other = inputs.randomElement(using: &random)?.bytes { input.writeImmutableBuffer(other) }
        default: break
        }
        let decoded = try Decoded(input, pieceSize: Int.random(in: 1...5000, using: &random))
        #expect(decoded.original == input)
        #expect(encoded(decoded.json).bytes == input)
        // Rendering for people must stand whatever the bytes are.
        _ = decoded.text
    }

    @Test("Plain frames on their short way give the lines that their records would", arguments: [1, 100, Int.max])
    func shortWay(pieceSize: Int) throws {
        let frames = try Samples.frames() + [AckResponse(nonce: 5).frame(flags: .reply, nonce: 1), Keepalive().frame()]
        var input = Samples.bytes(frames)
        input.writeString("stray")
        input.writeImmutableBuffer(Samples.bytes(frames.reversed()))
        for showsPayload in [false, true] {
            let lines = Lines(showsPayload)
            let decoder = CaptureDecoder(plain: { lines.add($0) }, sink: { lines.add($0) })
            var rest = input
            try decoder.decode { rest.readSlice(length: min(pieceSize, rest.readableBytes)).flatMap { $0.nonEmpty } }
            var records = JSONRenderer(showsPayload: showsPayload)
            for record in try Decoded(input, pieceSize: pieceSize).records { records.render(record) }
            #expect(lines.json.take() == records.take())
            #expect(lines.plain > 5)
        }
    }

    private final class Lines {
        var json: JSONRenderer
        var plain = 0

        init(_ showsPayload: Bool) { json = JSONRenderer(showsPayload: showsPayload) }

        func add(_ frame: PlainFrame) {
            plain += 1
            json.render(frame)
        }

        func add(_ record: CaptureRecord) { json.render(record) }
    }

    @Test("Records that another program has filtered and laid out anew still give their frames")
    func filtered() throws {
        let frames = try Samples.frames()
        let recording = try Decoded(try Samples.recording())
        var lines: [Data] = []
        for line in recording.json.array.split(separator: 0x0a) {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
            guard object["type"] as? String == "frame" else { continue }
            lines.append(try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys]))
        }
        let back = encoded(ByteBuffer(bytes: lines.joined(separator: [0x0a])))
        #expect(back.bytes == Samples.bytes(frames))
        #expect(lines.count == frames.count)
    }

    @Test("Every line of JSON is an object with the keys of its type")
    func validJSON() throws {
        for (name, input) in try Self.inputs.get() {
            for line in try Decoded(input).json.array.split(separator: 0x0a) {
                let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
                let type = object?["type"] as? String
                #expect(["frame", "gap", "container"].contains(type), "\(name)")
                #expect(object?["offset"] is Int && object?["length"] is Int, "\(name)")
                if type == "frame" { #expect(object?["kind"] is String && object?["ok"] is Bool, "\(name)") }
            }
        }
    }

    @Test("Text that is no record is reported and passed over")
    func junk() {
        let json = ByteBuffer(
            string: """
                nonsense {"type":"frame","raw_b64":"AAEC"}
                {"type":"frame","raw_b64":"A
                {"type":"gap","raw_b64":"Aw=="}
                {"type":"frame","raw_b64":"!!"}
                {"type":"end","exit":0}
                {"type":"gap" "x"}
                """)
        let back = encoded(json)
        #expect(back.bytes.array == [0, 1, 2, 3])
        #expect(back.gaps == 4)
        #expect(encoded(json, pieceSize: 1).bytes == back.bytes)
    }
}
