import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite("Malformed MessagePack")
struct MsgpackMalformedTests {
    private func read(_ bytes: [UInt8]) throws(WireError) -> MsgpackValue {
        try MsgpackValue(msgpack: ByteBuffer(bytes: bytes))
    }

    @Test("Any value goes there and back", arguments: UInt64(0)..<200)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let value = random.value()
        let bytes = try value.encoded
        let back = try MsgpackValue(msgpack: bytes)
        #expect(try back.encoded == bytes)
        // NaN is not equal to itself: where there is none, the values are equal as well.
        if !value.json.contains("nan") { #expect(back == value) }
    }

    @Test("Every cut is noticed, with its offset", arguments: UInt64(0)..<40)
    func truncation(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let bytes = try random.value(depth: 3).encoded.array
        for count in Set((0..<60).map { _ in random.int(0...(bytes.count - 1)) }) {
            let error = #expect(throws: WireError.self) { try read(Array(bytes.prefix(count))) }
            #expect((0...count).contains(error?.offset ?? -1))
            switch error?.problem {
            case .truncated(let needed, let left): #expect(needed > left)
            // A count that the rest cannot hold is seen before the end is.
            case .tooLong(let limit, let got): #expect(got > limit)
            default: Issue.record("\(String(describing: error))")
            }
        }
        #expect(throws: WireError("end", at: bytes.count, .trailing(2))) { try read(bytes + [0xc0, 0xc1]) }
    }

    @Test("Flipped bits and garbage end in a value or a typed error", arguments: UInt64(0)..<150)
    func garbage(seed: UInt64) throws {
        var random = SeededRandom(seed)
        var bytes = try random.value(depth: 3).encoded.array
        for _ in 0..<random.int(1...5) { bytes[random.int(0...(bytes.count - 1))] ^= 1 << UInt8(random.int(0...7)) }
        for input in [bytes, random.bytes(random.int(0...200)), random.bytes(20).map { $0 | 0x80 }] {
            do throws(WireError) {
                let value = try read(input)
                var (first, second) = (ByteBuffer(), ByteBuffer())
                try value.encode(into: &first)
                try read(first.array).encode(into: &second)
                #expect(first == second)
                _ = value.json
            } catch {
                #expect((0...input.count).contains(error.offset))
            }
            _ = try? [String: [Int]].decode(msgpack: ByteBuffer(bytes: input))
        }
    }

    @Test("What is wrong is said with its place")
    func errors() {
        #expect(throws: WireError("value 0", at: 0, .truncated(needed: 1, left: 0))) { try read([]) }
        #expect(throws: WireError("value 1", at: 1, .truncated(needed: 1, left: 0))) { try read([0x91]) }
        #expect(throws: WireError("value 2", at: 3, .truncated(needed: 4, left: 2))) {
            try read([0x92, 0xcc, 0x80, 0xce, 1, 2])
        }
        #expect(throws: WireError("value 1", at: 1, .truncated(needed: 5, left: 1))) { try read([0x91, 0xa5, 0x61]) }
        #expect(
            throws: WireError(
                "value 2", at: 2, .unexpected(expected: "MessagePack", got: "a byte that begins no value"))
        ) { try read([0x92, 0xc0, 0xc1]) }
        #expect(throws: WireError("[1]", at: 4, .notUTF8)) { try read([0x92, 0xa2, 0x61, 0x62, 0xa1, 0xff]) }
        #expect(throws: WireError("a[0]", at: 4, .notUTF8)) { try read([0x81, 0xa1, 0x61, 0x91, 0xa1, 0xff]) }
        #expect(throws: WireError("end", at: 1, .trailing(1))) { try read([0xc0, 0xc0]) }
    }

    @Test("Containers lie at most 32 levels deep")
    func depth() throws {
        for (open, close) in [([UInt8(0x91)], [UInt8(0xc0)]), ([0x81, 0xa1, 0x61], [0xc0]), ([0xdc, 0, 1], [0x90])] {
            let deep = [[UInt8]](repeating: open, count: 31).flatMap { $0 }
            _ = try read(deep + close)
            _ = try read(deep + open + [0xc0])
            let tooDeep = deep + open + open + [0xc0]
            #expect(
                throws: WireError("value \(32 * (open[0] == 0x81 ? 2 : 1))", at: 32 * open.count, .tooDeep(limit: 32))
            ) {
                try read(tooDeep)
            }
        }
        let endless = [UInt8](repeating: 0x91, count: 100_000)
        #expect(throws: WireError("value 32", at: 32, .tooDeep(limit: 32))) { try read(endless) }
        #expect(throws: WireError.self) { try [[[Int]]].decode(msgpack: ByteBuffer(bytes: endless)) }
    }

    @Test(
        "A declared count takes no memory",
        arguments: [
            [0xdc, 0xff, 0xff], [0xdd, 0xff, 0xff, 0xff, 0xff], [0xdd, 0x0f, 0xff, 0xff, 0xff], [0xde, 0xff, 0xff],
            [0xdf, 0xff, 0xff, 0xff, 0xff], [0xdf, 0x08, 0, 0, 0], [0x93, 1], [0x82, 1, 2],
        ] as [[UInt8]])
    func hugeCounts(header: [UInt8]) throws {
        let before = try ProcessMemory.virtualBytes()
        let error = #expect(throws: WireError.self) { try read(header + [0xc0]) }
        // Thirty-one levels of it, too.
        #expect(throws: WireError.self) { try read([[UInt8]](repeating: header, count: 31).flatMap { $0 }) }
        #expect(try ProcessMemory.virtualBytes() - before < 1 << 30)
        switch error?.problem {
        case .tooLong, .truncated: break
        default: Issue.record("\(String(describing: error))")
        }
    }

    @Test("A declared length takes no memory", arguments: [0xc6, 0xc9, 0xdb] as [UInt8])
    func hugeLengths(type: UInt8) throws {
        let before = try ProcessMemory.virtualBytes()
        for length in [[0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xfe], [0x7f, 0xff, 0xff, 0xff]] as [[UInt8]] {
            #expect(throws: WireError.self) { try read([type] + length + [5, 1, 2, 3]) }
            #expect(throws: WireError.self) { try read([0x92, type] + length + [5, 1, 2, 3]) }
        }
        #expect(try ProcessMemory.virtualBytes() - before < 1 << 30)
    }

    @Test("Many values and many keys take time in proportion", .timeLimit(.minutes(1)))
    func manyValues() throws {
        let count = 60_000
        var body = ByteBuffer(bytes: [0xde, 0xea, 0x60])
        for key in UInt32(0)..<UInt32(count) {
            body.writeInteger(UInt8(0xce))
            body.writeInteger(key)
            body.writeInteger(UInt8(1))
        }
        #expect(try [Int: Int].decode(msgpack: body).count == count)
        let error = #expect(throws: WireError.self) { try [Int: String].decode(msgpack: body) }
        #expect(error?.problem == .unexpected(expected: "String", got: "1"))

        // A type that tries several shapes fails once for each item, and none of these looks for its offset.
        struct Either: Decodable {
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if (try? container.decode(String.self)) == nil { _ = try container.decode(Int.self) }
            }
        }
        var array = ByteBuffer(bytes: [0xdc, 0xea, 0x60])
        array.writeRepeatingByte(1, count: count)
        #expect(try [Either].decode(msgpack: array).count == count)
    }

    @Test("A timestamp that is none stays an extension")
    func timestamps() throws {
        // 10^9 nanoseconds in 8 and in 12 bytes, and a size that no timestamp has.
        let bodies: [[UInt8]] = [
            [0xd7, 0xff, 0xee, 0x6b, 0x28, 0, 0, 0, 0, 0],
            [0xc7, 12, 0xff, 0x3b, 0x9a, 0xca, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0xd5, 0xff, 1, 2], [0xc7, 0, 0xff],
        ]
        for body in bodies {
            guard case .ext(-1, _) = try read(body) else {
                Issue.record("\(try read(body))")
                continue
            }
            #expect(try read(read(body).encoded.array) == read(body))
        }
        #expect(
            try read([0xc7, 12, 0xff, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0])
                == .timestamp(seconds: .min, nanoseconds: 1))
    }
}
