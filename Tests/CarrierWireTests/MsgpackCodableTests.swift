import CarrierTesting
import CarrierWire
import Foundation
import NIOCore
import Testing

@Suite("Codable over MessagePack")
struct MsgpackCodableTests {
    private enum Kind: String, Codable, CaseIterable { case small, large }

    private enum Shape: Codable, Equatable {
        case point
        case circle(radius: Double)
        case polygon([Int], name: String?)
    }

    private struct Inner: Codable, Equatable {
        var name: String
        var weight: Float
        var tags: [String: Int]
        var numbered: [Int: String]
    }

    private struct Order: MsgpackMessage, Equatable {
        var flag: Bool
        var i8: Int8
        var i16: Int16
        var i32: Int32
        var i64: Int64
        var int: Int
        var u8: UInt8
        var u16: UInt16
        var u32: UInt32
        var u64: UInt64
        var wide: Int128
        var wides: [UInt128]
        var ratio: Double
        var text: String
        var data: Data
        var bytes: [UInt8]
        var buffer: ByteBuffer
        var date: Date
        var id: UUID
        var kind: Kind
        var shape: Shape
        var missing: Int?
        var present: Int?
        var nothing: [Int?]
        var inner: Inner
        var list: [Inner]
        var nested: [[Int]]

        init(random: inout SeededRandom) {
            func inner(_ random: inout SeededRandom) -> Inner {
                Inner(
                    name: random.text(10), weight: Float(random.int(-1000...1000)) / 8,
                    tags: Dictionary(
                        uniqueKeysWithValues: (0..<random.int(0...5)).map { ("\($0)é", random.integer()) }),
                    numbered: [random.integer(): "a", 5: "b"].filter { _ in random.int(0...1) == 0 })
            }
            flag = random.int(0...1) == 0
            i8 = random.integer()
            i16 = random.integer()
            i32 = random.integer()
            i64 = random.integer()
            int = random.integer()
            u8 = random.integer()
            u16 = random.integer()
            u32 = random.integer()
            u64 = random.integer()
            wide = Int128(random.integer(Int64.self))
            wides = [UInt128(random.integer(UInt64.self)), 0]
            ratio = Double(random.int(-1_000_000...1_000_000)) / 997
            text = random.text(300)
            data = Data(random.bytes(random.int(0...70000)))
            bytes = random.bytes(random.int(0...300))
            buffer = random.buffer(300)
            date = Date(timeIntervalSinceReferenceDate: Double(random.int(-1_000_000_000...1_000_000_000)) / 4)
            id = UUID()
            kind = Kind.allCases[random.int(0...1)]
            shape =
                [.point, .circle(radius: 1.5), .polygon([1, 2], name: nil), .polygon([], name: "x")][random.int(0...3)]
            missing = nil
            present = random.integer()
            nothing = [nil, 1, nil]
            self.inner = inner(&random)
            list = (0..<random.int(0...20)).map { _ in inner(&random) }
            nested = [[], [1], [2, 3]]
        }
    }

    @Test("Any Codable type goes there and back", arguments: UInt64(0)..<60)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let order = Order(random: &random)
        let body = try order.body()
        #expect(Order.codec == .msgpack)
        #expect(try Order(body: body) == order)
        var output = ByteBuffer(bytes: [1, 2])
        try order.encode(into: &output)
        #expect(output.array.prefix(2) == [1, 2] && output.readableBytes == body.readableBytes + 2)
    }

    private struct Pair: Codable, Equatable {
        var a: Int
        var b: String?
    }

    private func bytes(_ value: some Encodable) throws -> [UInt8] {
        var output = ByteBuffer()
        try value.encode(msgpack: &output)
        return output.array
    }

    @Test("Types take the forms that MessagePack has for them")
    func forms() throws {
        #expect(try bytes(Pair(a: 1, b: "x")) == [0x82, 0xa1, 0x61, 1, 0xa1, 0x62, 0xa1, 0x78])
        #expect(try bytes([1, -1, 128]) == [0x93, 1, 0xff, 0xcc, 0x80])
        #expect(try bytes([UInt8]([1, 2])) == [0xc4, 2, 1, 2])
        #expect(try bytes(Data([1, 2])) == [0xc4, 2, 1, 2])
        #expect(try bytes(ByteBuffer(bytes: [1, 2])) == [0xc4, 2, 1, 2])
        #expect(try bytes(Date(timeIntervalSince1970: 1)) == [0xd6, 0xff, 0, 0, 0, 1])
        #expect(try bytes(Float(0.5)) == [0xca, 0x3f, 0, 0, 0])
        #expect(try bytes(Double(0.5)) == [0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0])
        #expect(try bytes(Int?.none) == [0xc0])
        #expect(try bytes(true) == [0xc3])
        #expect(try bytes(UInt64.max) == [0xcf] + [UInt8](repeating: 0xff, count: 8))
        #expect(try bytes([[Int]]()) == [0x90])
        #expect(try bytes([String: Int]()) == [0x80])
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(WireError) -> Value {
        try Value.decode(msgpack: ByteBuffer(bytes: bytes))
    }

    @Test("Unknown keys are passed over, and keys may be integers")
    func keys() throws {
        #expect(try decode(Pair.self, [0x82, 0xa1, 0x7a, 0x91, 1, 0xa1, 0x61, 7]) == Pair(a: 7, b: nil))
        #expect(try decode([Int: Int].self, [0x82, 5, 1, 0xff, 2]) == [5: 1, -1: 2])
        #expect(try decode([UInt8].self, [0x92, 1, 2]) == [1, 2])
    }

    @Test("Numbers are taken in any form that holds them, and in no other")
    func numbers() throws {
        #expect(try decode(Int.self, [0xcb, 0x40, 0, 0, 0, 0, 0, 0, 0]) == 2)
        #expect(try decode(Double.self, [7]) == 7)
        #expect(try decode(Float.self, [0xcb, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]) == 0.1)
        #expect(try decode(Double.self, [0xca, 0x7f, 0xc0, 0, 0]).isNaN)
        #expect(try decode(Float.self, [0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]) == .infinity)
        for (type, body) in [
            (Int8.self, [0xcc, 0x80]), (UInt8.self, [0xff]), (UInt16.self, [0xce, 0, 1, 0, 0]),
            (Int64.self, [0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0]), (UInt64.self, [0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            (Int.self, [0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0]), (Int.self, [0xca, 0x7f, 0xc0, 0, 0]),
            (Int32.self, [0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]), (UInt.self, [0xcb, 0x43, 0xf0, 0, 0, 0, 0, 0, 0]),
            (Double.self, [0xcf] + [UInt8](repeating: 0xff, count: 8)),
            (Float.self, [0xcb, 0x47, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), (Bool.self, [1]), (String.self, [1]),
            (Int.self, [0xc3]), (Int.self, [0xa1, 0x31]), (Date.self, [1]), (Data.self, [0xa1, 0x31]),
        ] as [(any Decodable.Type, [UInt8])] {
            let error = #expect(throws: WireError.self, "\(type)") { _ = try decode(type, body) }
            #expect(error?.offset == 0 && error?.field == "body")
        }
    }

    private struct Outer: Codable {
        struct Item: Codable {
            var name: String
            var count: Int8
        }
        var title: String
        var items: [Item]
    }

    @Test("An error names the path and the offset")
    func paths() throws {
        func body(_ count: [UInt8], name: [UInt8] = [0xa1, 0x78]) -> [UInt8] {
            [0x82, 0xa5] + Array("title".utf8) + [0xa2, 0x68, 0x69, 0xa5] + Array("items".utf8) + [0x92]
                + [0x82, 0xa4] + Array("name".utf8) + [0xa1, 0x77, 0xa5] + Array("count".utf8) + [1]
                + [0x82, 0xa4] + Array("name".utf8) + name + [0xa5] + Array("count".utf8) + count
        }
        let good = body([5])
        #expect(try decode(Outer.self, good).items[1].count == 5)
        let last = good.count - 1
        #expect(throws: WireError("items[1].count", at: last, .unexpected(expected: "Int8", got: "200"))) {
            try decode(Outer.self, body([0xcc, 200]))
        }
        #expect(throws: WireError("items[1].count", at: last, .unexpected(expected: "Int8", got: "nil"))) {
            try decode(Outer.self, body([0xc0]))
        }
        #expect(throws: WireError("items[1].name", at: last - 8, .notUTF8)) {
            try decode(Outer.self, body([5], name: [0xa1, 0xff]))
        }
        #expect(throws: WireError("items[1].name", at: last - 8, .unexpected(expected: "String", got: "7"))) {
            try decode(Outer.self, body([5], name: [7]))
        }
        #expect(throws: WireError("items", at: 7, .unexpected(expected: "Array<Any>", got: "a map"))) {
            try decode(Outer.self, [0x82, 0xa5] + Array("items".utf8) + [0x80, 0xa5] + Array("title".utf8) + [0xa0])
        }
        #expect(throws: WireError("body", at: 0, .unexpected(expected: "the key title", got: "none"))) {
            try decode(Outer.self, [0x80])
        }
        #expect(throws: WireError("body", at: 0, .unexpected(expected: "each key once", got: "a twice"))) {
            try decode(Pair.self, [0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2])
        }
        #expect(throws: WireError("body", at: 0, .unexpected(expected: "keys that are text", got: "an array"))) {
            try decode(Pair.self, [0x81, 0x90, 1])
        }
        #expect(throws: WireError("[2]", at: 3, .unexpected(expected: "Int", got: "text"))) {
            try decode([Int].self, [0x93, 1, 2, 0xa0])
        }
        #expect(
            throws: WireError(
                "kind", at: 6,
                .unexpected(expected: "a value of the type", got: "Cannot initialize Kind from invalid String value x"))
        ) {
            try decode([String: Kind].self, [0x81, 0xa4] + Array("kind".utf8) + [0xa1, 0x78])
        }
    }

    private struct Recursive: Codable { indirect enum Node: Codable { case leaf, node(Node) } }

    @Test("What is too deep to be read is not written")
    func depth() throws {
        var value = MsgpackValue.null
        for _ in 0..<32 { value = .array([value]) }
        #expect(try MsgpackValue(msgpack: value.encoded) == value)
        #expect(throws: WireError("body", at: 0, .tooDeep(limit: 32))) { try MsgpackValue.array([value]).encoded }
        #expect(throws: WireError("body", at: 0, .tooDeep(limit: 32))) {
            try MsgpackValue.map([.init(.null, value)]).encoded
        }
        var node = Recursive.Node.leaf
        for _ in 0..<5 { node = .node(node) }
        #expect(try bytes(node).count > 5)
        for _ in 0..<10_000 { node = .node(node) }
        let error = #expect(throws: WireError.self) { try bytes(node) }
        #expect(error?.problem == .tooDeep(limit: 32))
    }

    private struct Silent: Codable {
        init() {}
        init(from decoder: any Decoder) throws {}
        func encode(to encoder: any Encoder) throws {}
    }

    private struct Failing: Codable {
        struct Reason: Error {}
        init() {}
        init(from decoder: any Decoder) throws { throw Reason() }
        func encode(to encoder: any Encoder) throws { throw Reason() }
    }

    @Test("A type that encodes nothing or fails is an error, too")
    func failures() throws {
        #expect(throws: WireError.self) { try bytes(Silent()) }
        #expect(throws: WireError.self) { try bytes([Failing()]) }
        #expect(throws: WireError.self) { try bytes(Int128.max) }
        #expect(throws: WireError.self) { try bytes(Date(timeIntervalSinceReferenceDate: .infinity)) }
        #expect(throws: WireError.self) { try decode(Failing.self, [0x80]) }
        #expect(try bytes(Int128(UInt64.max)) == bytes(UInt64.max))
    }

    private class Base: Codable {
        var name = "base"
    }

    private final class Derived: Base {
        var extra = 7
        override init() { super.init() }
        private enum CodingKeys: CodingKey { case extra }
        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            extra = try container.decode(Int.self, forKey: .extra)
            try super.init(from: container.superDecoder())
        }
        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(extra, forKey: .extra)
            try super.encode(to: container.superEncoder())
        }
    }

    @Test("Classes keep what their superclass holds")
    func classes() throws {
        let derived = Derived()
        derived.name = "other"
        derived.extra = 9
        let back = try decode(Derived.self, try bytes(derived))
        #expect(back.name == "other" && back.extra == 9)
    }
}
