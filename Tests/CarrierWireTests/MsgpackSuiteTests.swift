import CarrierTesting
import CarrierWire
import NIOCore
import Testing

/// The 85 values of msgpack-test-suite with their 233 encodings, read and written.
@Suite("The MessagePack test suite")
struct MsgpackSuiteTests {
    private static let file = "msgpack-test-suite.json"

    /// One value of the suite, and what it may look like.
    private struct Case: Decodable {
        let encodings: [HexBytes]
        let values: [MsgpackValue]

        private enum CodingKeys: String, CodingKey {
            case `nil`, bool, binary, number, bignum, string, array, map, timestamp, ext, msgpack
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            encodings = try container.decode([HexBytes].self, forKey: .msgpack)
            let key = try #require(container.allKeys.first { $0 != .msgpack })
            switch key {
            case .nil: values = [.null]
            case .bool: values = [.bool(try container.decode(Bool.self, forKey: key))]
            case .binary: values = [.binary(ByteBuffer(bytes: try container.decode(HexBytes.self, forKey: key).bytes))]
            case .string: values = [.string(try container.decode(String.self, forKey: key))]
            case .number: values = Self.numbers(try container.decode(Double.self, forKey: key))
            case .bignum:
                let text = try container.decode(String.self, forKey: key)
                let integer = try #require(Int64(text).map { MsgpackValue.int($0) } ?? UInt64(text).map { .uint($0) })
                values = [integer] + Self.numbers(try #require(Double(text)))
            case .array, .map: values = [try container.decode(Shape.self, forKey: key).value]
            case .timestamp:
                let parts = try container.decode([Int64].self, forKey: key)
                values = [.timestamp(seconds: parts[0], nanoseconds: UInt32(parts[1]))]
            case .ext:
                var parts = try container.nestedUnkeyedContainer(forKey: key)
                let type = try parts.decode(Int8.self)
                values = [.ext(type, ByteBuffer(bytes: try parts.decode(HexBytes.self).bytes))]
            case .msgpack: values = []
            }
        }

        /// A number may come as an integer or as either float, where they hold it; the shortest form is first.
        static func numbers(_ number: Double) -> [MsgpackValue] {
            [
                Int64(exactly: number).map { .int($0) }, Float(exactly: number).map { .float($0) }, .double(number),
            ].compactMap { $0 }
        }
    }

    /// What the suite's arrays and maps hold.
    private struct Shape: Decodable {
        let value: MsgpackValue

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                value = .string(text)
            } else if let number = try? container.decode(Int64.self) {
                value = .int(number)
            } else if let items = try? container.decode([Shape].self) {
                value = .array(items.map(\.value))
            } else {
                let entries = try container.decode([String: Shape].self)
                value = .map(entries.map { .init(.string($0.key), $0.value.value) })
            }
        }
    }

    private func cases() throws -> [Case] {
        let groups = try VectorFolder.decode([String: [Case]].self, from: Self.file)
        return groups.values.flatMap { $0 }
    }

    @Test("Every encoding is read as its value", .vectors("msgpack-test-suite.json"))
    func reading() throws {
        var count = 0
        for test in try cases() {
            for encoding in test.encodings {
                let value = try MsgpackValue(msgpack: ByteBuffer(bytes: encoding.bytes))
                #expect(test.values.contains(value), "\(encoding): \(value)")
                count += 1
            }
        }
        #expect(count == 233)
    }

    @Test("Every value is written in its shortest encoding", .vectors("msgpack-test-suite.json"))
    func writing() throws {
        let cases = try cases()
        #expect(cases.count == 85)
        for test in cases {
            let written = try test.values[0].encoded.array
            #expect(test.encodings.contains(HexBytes(written)), "\(test.values)")
            #expect(written.count == test.encodings[0].bytes.count, "\(test.values)")
        }
    }

    @Test("Every value survives JSON", .vectors("msgpack-test-suite.json"))
    func json() throws {
        for test in try cases() {
            for value in test.values {
                // A whole float comes back as the integer that its digits spell: beyond 2^53 perhaps a neighbour.
                if case .double(let number) = value, abs(number) > 0x1p53 { continue }
                if case .float(let number) = value, abs(number) > 0x1p53 { continue }
                let back = try MsgpackValue(json: value.json)
                #expect(back == value || test.values.contains(back), "\(value.json)")
            }
        }
    }

    @Test("Every encoding is read by the Swift type of its value", .vectors("msgpack-test-suite.json"))
    func types() throws {
        for test in try cases() {
            for encoding in test.encodings {
                let body = ByteBuffer(bytes: encoding.bytes)
                switch test.values[0] {
                case .null: #expect(try Bool?.decode(msgpack: body) == nil)
                case .bool(let value): #expect(try Bool.decode(msgpack: body) == value)
                case .string(let value): #expect(try String.decode(msgpack: body) == value)
                case .binary(let value): #expect(try [UInt8].decode(msgpack: body) == value.array)
                case .float(let value):
                    #expect(try Float.decode(msgpack: body) == value)
                    #expect(try Double.decode(msgpack: body) == Double(value))
                case .int(let value):
                    #expect(try Int64.decode(msgpack: body) == value)
                    if Double(exactly: value) != nil { #expect(try Double.decode(msgpack: body) == Double(value)) }
                case .uint(let value): #expect(try UInt64.decode(msgpack: body) == value)
                default: break
                }
            }
        }
    }
}
