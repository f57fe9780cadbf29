public import CarrierCrypto
public import NIOCore

/// Writes little-endian fields into a message body (carrier-wire(7) §1): the mirror image of `Reader`.
public struct Writer {
    /// What has been written.
    public var buffer: ByteBuffer

    /// Writes behind what `buffer` holds.
    public init(_ buffer: ByteBuffer = ByteBuffer()) { self.buffer = buffer }

    /// One byte.
    public mutating func u8(_ value: UInt8) { buffer.writeInteger(value) }
    /// Two bytes, little-endian.
    public mutating func u16(_ value: UInt16) { buffer.writeInteger(value, endianness: .little) }
    /// Four bytes, little-endian.
    public mutating func u32(_ value: UInt32) { buffer.writeInteger(value, endianness: .little) }
    /// Eight bytes, little-endian.
    public mutating func u64(_ value: UInt64) { buffer.writeInteger(value, endianness: .little) }
    /// Eight bytes, little-endian, two's complement.
    public mutating func i64(_ value: Int64) { buffer.writeInteger(value, endianness: .little) }
    /// Eight bytes, IEEE 754, little-endian.
    public mutating func f64(_ value: Double) { u64(value.bitPattern) }
    /// One byte: 1 or 0.
    public mutating func bool(_ value: Bool) { u8(value ? 1 : 0) }

    /// Bytes as they are.
    public mutating func raw(_ bytes: some Sequence<UInt8>) { buffer.writeBytes(bytes) }
    /// Bytes as they are.
    public mutating func raw(_ bytes: ByteBuffer) { buffer.writeImmutableBuffer(bytes) }
    /// 32 bytes as they are.
    public mutating func raw32(_ bytes: Bytes32) { bytes.withUnsafeBytes { _ = buffer.writeBytes($0) } }

    /// A length and the bytes. Lengths are of our own making: over 2^32-1 is a programming error.
    public mutating func bytes(_ bytes: ByteBuffer) {
        u32(UInt32(bytes.readableBytes))
        raw(bytes)
    }

    /// A length and the text in UTF-8.
    public mutating func string(_ text: String) {
        u32(UInt32(text.utf8.count))
        buffer.writeString(text)
    }

    /// A count and the items: at most 65 535 of them, more is a programming error.
    public mutating func list<Item>(_ items: some Collection<Item>, of item: (inout Writer, Item) -> Void) {
        u16(UInt16(items.count))
        for each in items { item(&self, each) }
    }

    /// A boolean and, after true, the value.
    public mutating func optional<Value>(_ value: Value?, of body: (inout Writer, Value) -> Void) {
        bool(value != nil)
        if let value { body(&self, value) }
    }
}
