public import CarrierCrypto
public import NIOCore

/// Reads little-endian fields from a message body (carrier-wire(7) §1).
///
/// Every length is bounded by what is left before anything is allocated; an error names the field and its offset.
public struct Reader {
    private var buffer: ByteBuffer
    private let start: Int

    /// Reads the readable bytes of `buffer`.
    public init(_ buffer: ByteBuffer) {
        self.buffer = buffer
        start = buffer.readerIndex
    }

    /// How far the reader has come, in bytes from the start.
    public var offset: Int { buffer.readerIndex - start }
    /// How many bytes are left.
    public var left: Int { buffer.readableBytes }

    @inline(__always)
    private mutating func integer<Value: FixedWidthInteger>(_ field: StaticString) throws(WireError) -> Value {
        guard let value = buffer.readInteger(endianness: .little, as: Value.self) else {
            throw truncated(field, MemoryLayout<Value>.size)
        }
        return value
    }

    private func truncated(_ field: StaticString, _ needed: Int) -> WireError {
        WireError("\(field)", at: offset, .truncated(needed: needed, left: left))
    }

    /// An unsigned byte.
    public mutating func u8(_ field: StaticString) throws(WireError) -> UInt8 { try integer(field) }
    /// An unsigned 16-bit integer.
    public mutating func u16(_ field: StaticString) throws(WireError) -> UInt16 { try integer(field) }
    /// An unsigned 32-bit integer.
    public mutating func u32(_ field: StaticString) throws(WireError) -> UInt32 { try integer(field) }
    /// An unsigned 64-bit integer.
    public mutating func u64(_ field: StaticString) throws(WireError) -> UInt64 { try integer(field) }
    /// A signed 64-bit integer in two's complement; for applications, carrier's own messages have none.
    public mutating func i64(_ field: StaticString) throws(WireError) -> Int64 { try integer(field) }
    /// An IEEE 754 double; for applications, carrier's own messages have none.
    public mutating func f64(_ field: StaticString) throws(WireError) -> Double {
        Double(bitPattern: try integer(field))
    }

    /// A boolean: one byte, 0 or 1.
    public mutating func bool(_ field: StaticString) throws(WireError) -> Bool {
        let position = offset
        switch try u8(field) {
        case 0: return false
        case 1: return true
        case let other: throw WireError("\(field)", at: position, .notABoolean(other))
        }
    }

    /// `count` bytes as they are, sharing memory with the input.
    public mutating func raw(_ field: StaticString, count: Int) throws(WireError) -> ByteBuffer {
        guard let slice = buffer.readSlice(length: count) else { throw truncated(field, count) }
        return slice
    }

    /// `count` bytes as they are, copied.
    public mutating func array(_ field: StaticString, count: Int) throws(WireError) -> [UInt8] {
        Array(try raw(field, count: count).readableBytesView)
    }

    /// 32 bytes as they are.
    public mutating func raw32(_ field: StaticString) throws(WireError) -> Bytes32 {
        let value = buffer.withUnsafeReadableBytes { Bytes32(UnsafeRawBufferPointer(rebasing: $0.prefix(32))) }
        guard let value else { throw truncated(field, 32) }
        buffer.moveReaderIndex(forwardBy: 32)
        return value
    }

    /// A length and that many bytes, sharing memory with the input.
    ///
    /// - Parameters:
    ///   - field: its name, for the error.
    ///   - limit: the most bytes to accept; by default what is left of the input.
    public mutating func bytes(_ field: StaticString, limit: Int = .max) throws(WireError) -> ByteBuffer {
        let position = offset
        let length = Int(try u32(field))
        guard length <= limit else { throw WireError("\(field)", at: position, .tooLong(limit: limit, got: length)) }
        return try raw(field, count: length)
    }

    /// A length and that many bytes of UTF-8.
    ///
    /// - Parameters:
    ///   - field: its name, for the error.
    ///   - limit: the most bytes to accept; by default what is left of the input.
    public mutating func string(_ field: StaticString, limit: Int = .max) throws(WireError) -> String {
        let position = offset
        let slice = try bytes(field, limit: limit)
        guard let text = String(validating: slice.readableBytesView, as: UTF8.self) else {
            throw WireError("\(field)", at: position, .notUTF8)
        }
        return text
    }

    /// A count and that many items.
    ///
    /// - Parameters:
    ///   - field: its name, for the error.
    ///   - limit: the most items to accept; by default all that a count can say.
    ///   - item: reads one item.
    public mutating func list<Item>(
        _ field: StaticString, limit: Int = Int(UInt16.max),
        of item: (inout Reader) throws(WireError) -> Item
    ) throws(WireError) -> [Item] {
        let position = offset
        let count = Int(try u16(field))
        guard count <= limit else { throw WireError("\(field)", at: position, .tooLong(limit: limit, got: count)) }
        var items: [Item] = []
        // Memory follows what is really there: a declared count reserves nothing.
        for _ in 0..<count { items.append(try item(&self)) }
        return items
    }

    /// A boolean and, after true, a value.
    public mutating func optional<Value>(
        _ field: StaticString, of value: (inout Reader) throws(WireError) -> Value
    ) throws(WireError) -> Value? {
        try bool(field) ? try value(&self) : nil
    }

    /// Says that the last field has been read: anything left is an error.
    public func finish() throws(WireError) {
        if left > 0 { throw WireError("end", at: offset, .trailing(left)) }
    }
}
