import CarrierCrypto
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite("Reader and Writer")
struct ReaderTests {
    /// One field of any kind.
    private enum Field: Equatable {
        case u8(UInt8)
        case u16(UInt16)
        case u32(UInt32)
        case u64(UInt64)
        case i64(Int64)
        case f64(UInt64)
        case bool(Bool)
        case bytes(ByteBuffer)
        case string(String)
        case raw(Bytes32)
        case list([String])
        case optional(UInt32?)

        init(random: inout SeededRandom) {
            switch random.int(0...11) {
            case 0: self = .u8(random.integer())
            case 1: self = .u16(random.integer())
            case 2: self = .u32(random.integer())
            case 3: self = .u64(random.integer())
            case 4: self = .i64(random.integer())
            case 5: self = .f64(random.next())
            case 6: self = .bool(random.int(0...1) == 1)
            case 7: self = .bytes(random.buffer(300))
            case 8: self = .string(random.text(30))
            case 9: self = .raw(random.bytes32())
            case 10: self = .list((0..<random.int(0...10)).map { _ in random.text(10) })
            default: self = .optional(random.int(0...1) == 1 ? random.integer() : nil)
            }
        }

        func write(to writer: inout Writer) {
            switch self {
            case .u8(let value): writer.u8(value)
            case .u16(let value): writer.u16(value)
            case .u32(let value): writer.u32(value)
            case .u64(let value): writer.u64(value)
            case .i64(let value): writer.i64(value)
            case .f64(let value): writer.f64(Double(bitPattern: value))
            case .bool(let value): writer.bool(value)
            case .bytes(let value): writer.bytes(value)
            case .string(let value): writer.string(value)
            case .raw(let value): writer.raw32(value)
            case .list(let value): writer.list(value) { $0.string($1) }
            case .optional(let value): writer.optional(value) { $0.u32($1) }
            }
        }

        /// Reads a field of this one's kind.
        func read(from reader: inout Reader) throws(WireError) -> Field {
            switch self {
            case .u8: .u8(try reader.u8("field"))
            case .u16: .u16(try reader.u16("field"))
            case .u32: .u32(try reader.u32("field"))
            case .u64: .u64(try reader.u64("field"))
            case .i64: .i64(try reader.i64("field"))
            case .f64: .f64(try reader.f64("field").bitPattern)
            case .bool: .bool(try reader.bool("field"))
            case .bytes: .bytes(try reader.bytes("field"))
            case .string: .string(try reader.string("field"))
            case .raw: .raw(try reader.raw32("field"))
            case .list:
                .list(try reader.list("field") { reader throws(WireError) in try reader.string("item") })
            case .optional:
                .optional(try reader.optional("field") { reader throws(WireError) in try reader.u32("value") })
            }
        }
    }

    @Test("Whatever is written is read back, and every cut is noticed", arguments: UInt64(0)..<150)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let fields = (0..<random.int(1...12)).map { _ in Field(random: &random) }
        var writer = Writer()
        for field in fields { field.write(to: &writer) }
        let body = writer.buffer

        var reader = Reader(body)
        for field in fields { #expect(try field.read(from: &reader) == field) }
        try reader.finish()

        for count in 0..<body.readableBytes {
            var reader = Reader(ByteBuffer(bytes: body.readableBytesView.prefix(count)))
            #expect(throws: WireError.self, "\(count) of \(body.readableBytes)") {
                for field in fields { _ = try field.read(from: &reader) }
            }
        }
    }

    @Test("Integers are little-endian")
    func layout() {
        var writer = Writer()
        writer.u16(0x0102)
        writer.u32(0x0304_0506)
        writer.u64(0x0708_090a_0b0c_0d0e)
        writer.i64(-2)
        writer.bool(true)
        writer.string("é")
        writer.list([UInt8(7), 8]) { $0.u8($1) }
        #expect(
            writer.buffer.array == [2, 1, 6, 5, 4, 3, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 9, 8, 7, 0xfe]
                + [UInt8](repeating: 0xff, count: 7) + [1, 2, 0, 0, 0, 0xc3, 0xa9, 2, 0, 7, 8])
    }

    @Test("An error names the field, the offset, what is needed and what is left")
    func errors() throws {
        func error(_ bytes: [UInt8], _ body: (inout Reader) throws(WireError) -> Void) -> WireError? {
            var reader = Reader(ByteBuffer(bytes: [9] + bytes))
            do throws(WireError) {
                _ = try reader.u8("first")
                try body(&reader)
                return nil
            } catch { return error }
        }
        #expect(
            error([1, 2]) { reader throws(WireError) in _ = try reader.u32("count") }
                == WireError("count", at: 1, .truncated(needed: 4, left: 2)))
        #expect(
            error([2]) { reader throws(WireError) in _ = try reader.bool("flag") }
                == WireError("flag", at: 1, .notABoolean(2)))
        #expect(
            error([2, 0, 0, 0, 0xc3, 0x28]) { reader throws(WireError) in _ = try reader.string("name") }
                == WireError("name", at: 1, .notUTF8))
        #expect(
            error([5, 0, 0, 0, 1]) { reader throws(WireError) in _ = try reader.bytes("data", limit: 4) }
                == WireError("data", at: 1, .tooLong(limit: 4, got: 5)))
        #expect(
            error([0xff, 0xff, 0xff, 0xff, 1]) { reader throws(WireError) in _ = try reader.bytes("data") }
                == WireError("data", at: 5, .truncated(needed: 0xffff_ffff, left: 1)))
        #expect(
            error([3, 0]) { reader throws(WireError) in
                _ = try reader.list("items", limit: 2) { reader throws(WireError) in try reader.u8("item") }
            } == WireError("items", at: 1, .tooLong(limit: 2, got: 3)))
        #expect(
            error([3, 0, 1, 1]) { reader throws(WireError) in
                _ = try reader.list("items") { reader throws(WireError) in try reader.u8("item") }
            } == WireError("item", at: 5, .truncated(needed: 1, left: 0)))
        #expect(
            error([1, 2, 3]) { reader throws(WireError) in try reader.finish() }
                == WireError("end", at: 1, .trailing(3)))
        #expect(
            error([1]) { reader throws(WireError) in _ = try reader.raw32("key") }
                == WireError("key", at: 1, .truncated(needed: 32, left: 1)))
        #expect(
            WireError("count", at: 1, .truncated(needed: 4, left: 2)).description
                == "count at offset 1: expected 4 bytes, got 2")
    }

    @Test("A reader starts where its buffer does")
    func slice() throws {
        var buffer = ByteBuffer(bytes: [9, 9, 9, 1, 2])
        buffer.moveReaderIndex(forwardBy: 3)
        var reader = Reader(buffer)
        #expect(reader.offset == 0 && reader.left == 2)
        #expect(try reader.u16("field") == 0x0201)
        #expect(reader.offset == 2 && reader.left == 0)
    }

    @Test("A writer writes behind what is there")
    func appending() {
        var writer = Writer(ByteBuffer(bytes: [1]))
        writer.u8(2)
        #expect(writer.buffer.array == [1, 2])
    }
}
