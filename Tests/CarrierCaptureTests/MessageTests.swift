import CarrierCapture
import CarrierCrypto
import CarrierWire
import Foundation
import NIOCore
import Testing

@Suite("What messages say")
struct MessageTests {
    private func fields(_ frame: Frame, _ options: CaptureDecoder.Options = .init()) throws -> [String: Any] {
        let decoded = try Decoded(Samples.bytes([frame]), options)
        let object = try JSONSerialization.jsonObject(with: Data(decoded.json.readableBytesView)) as? [String: Any]
        return try #require(object?["fields"] as? [String: Any])
    }

    @Test("A frame's nonce, flags and size")
    func common() throws {
        let fields = try fields(Ping(payload: ByteBuffer(bytes: 0..<32)).frame(flags: .request, nonce: 7))
        #expect(fields["nonce"] as? Int == 7)
        #expect(fields["bytes"] as? Int == 32)
        #expect(fields["flags"] as? [String] == ["request"])
    }

    @Test("Peer records come with their checks")
    func records() throws {
        var options = CaptureDecoder.Options()
        options.verifies = true
        options.difficulty = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        let frame = LookupNodeResponse(records: [try Samples.record()]).frame(flags: .reply, nonce: 1)
        let record = try #require((try fields(frame, options)["records"] as? [[String: Any]])?.first)
        #expect(record["peer"] as? String == Samples.identity.peerID.description)
        #expect(record["node_id"] as? String == Samples.identity.nodeID.description)
        #expect(record["addresses"] as? [String] == ["tcp://127.0.0.1:4000"])
        #expect(record["signature_ok"] as? Bool == true)
        #expect(record["static_bits"] as? Int == Samples.identity.solved.staticBits)
        options.difficulty = Puzzle.Difficulty(staticBits: 200, dynamicBits: 0)
        #expect(try Decoded(Samples.bytes([frame]), options).units.allSatisfy { $0.failsCheck })
    }

    @Test("A forged record and a forged broadcast fail their checks, only when asked for")
    func forged() throws {
        var options = CaptureDecoder.Options()
        options.difficulty = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        let broadcast = try Broadcast(
            signedBy: Samples.identity, sequence: 1, message: Opcode(1000), codec: .bytes, body: ByteBuffer(string: "x")
        )
        for var input in [
            Samples.bytes([LookupNodeResponse(records: [try Samples.record()]).frame(flags: .reply, nonce: 1)]),
            Samples.bytes([broadcast.frame(flags: .needsAck, nonce: 1)]),
        ] {
            // The sequence number's lowest byte in both: behind the keys.
            let position = input.readableBytes > 200 ? 16 + 2 + 64 : 16 + 32
            input.setInteger(UInt8(0x55), at: position)
            options.verifies = false
            #expect(try Decoded(input, options).units.map(\.failsCheck) == [false])
            options.verifies = true
            #expect(try Decoded(input, options).units.map(\.failsCheck) == [true])
        }
    }

    @Test("MessagePack is shown as JSON")
    func msgpack() throws {
        let body: [UInt8] = [
            0x85, 0xa1, 0x61, 0x93, 0x01, 0xff, 0xc0, 0xa1, 0x62, 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xa1, 0x35, 0xc3,
            0xa1, 0x63, 0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x64, 0xd6, 0x07, 1, 2, 3, 4,
        ]
        let value = try fields(Frame(Opcode(1000), codec: .msgpack, body: ByteBuffer(bytes: body)))["msgpack"]
        let map = try #require(value as? [String: Any])
        #expect(map["a"] as? [Any?] != nil && map["b"] as? Double == 1.5 && map["5"] as? Bool == true)
        #expect(map["c"] as? UInt64 == .max)
        #expect(((map["d"] as? [String: Any])?["$ext"] as? [Any])?.first as? Int == 7)
    }

    @Test(
        "Broken MessagePack is a problem with its offset, never a trap",
        arguments: [
            [0xc1], [0xa5, 0x61], [0xdd, 0xff, 0xff, 0xff, 0xff], [0xdf, 0xff, 0xff, 0xff, 0xff], [0xa1, 0xff], [],
            [0x01, 0x01], [0xc6, 0xff, 0xff, 0xff, 0xff], [UInt8](repeating: 0x91, count: 100_000),
        ] as [[UInt8]])
    func brokenMsgpack(body: [UInt8]) throws {
        let decoded = try Decoded(Samples.bytes([Frame(Opcode(1000), codec: .msgpack, body: ByteBuffer(bytes: body))]))
        #expect(decoded.units.map { $0.problem?.hasPrefix("msgpack ") == true } == [true])
        #expect(decoded.units.map { $0.problem?.contains(" at offset ") == true } == [true])
    }

    @Test("Protocol Buffers are shown by field numbers")
    func protobuf() throws {
        let body: [UInt8] = [8, 150, 1, 0x12, 3, 0x61, 0x62, 0x63, 0x1a, 2, 8, 5, 0x25, 1, 0, 0, 0, 0x2a, 1, 0xff]
        let value = try fields(Frame(Opcode(1000), codec: .protobuf, body: ByteBuffer(bytes: body)))["protobuf"]
        let list = try #require(value as? [[String: Any]])
        #expect(list.map { $0["field"] as? Int } == [1, 2, 3, 4, 5])
        #expect(list[0]["varint"] as? Int == 150 && list[1]["text"] as? String == "abc")
        #expect((list[2]["message"] as? [[String: Any]])?.first?["varint"] as? Int == 5)
        #expect(list[3]["fixed32"] as? Int == 1 && list[4]["bytes_b64"] as? String == "/w==")
    }

    @Test(
        "Broken Protocol Buffers are a problem with its offset",
        arguments: [[0x08], [0x12, 5, 1], [0x0b], [0x00, 0x01], [UInt8](repeating: 0xff, count: 11)] as [[UInt8]])
    func brokenProtobuf(body: [UInt8]) throws {
        let decoded = try Decoded(Samples.bytes([Frame(Opcode(1000), codec: .protobuf, body: ByteBuffer(bytes: body))]))
        #expect(decoded.units.map { $0.problem?.hasPrefix("protobuf at offset") } == [true])
    }

    @Test("Text from outside reaches a terminal with its control characters escaped")
    func escapes() throws {
        let frame = Disconnect(.shutdown, "a\u{1b}[2Jb\nc\u{202e}").frame()
        let text = try Decoded(Samples.bytes([frame])).text
        #expect(text.contains(#"text=a\u{1b}[2Jb\u{a}c\u{202e}"#))
        #expect(!text.contains("\u{1b}"))
    }

    @Test("A body that is not what its opcode says is a frame with a problem")
    func malformedBody() throws {
        let frame = Frame(.ackResponse, body: ByteBuffer(bytes: [1, 2, 3]))
        let decoded = try Decoded(Samples.bytes([frame]))
        #expect(decoded.units.map(\.problem) == ["nonce at offset 0: expected 4 bytes, got 3"])
    }
}
