public import NIOCore

/// Writes JSON straight into bytes, with no value in between: a capture has millions of records.
public struct JSONBuffer {
    /// What has been written.
    public var bytes: ByteBuffer
    private var needsComma = false

    /// Writes behind what `bytes` holds.
    public init(_ bytes: ByteBuffer = ByteBuffer()) { self.bytes = bytes }

    @inline(__always)
    private mutating func comma() {
        if needsComma { bytes.writeInteger(UInt8(ascii: ",")) }
    }

    @inline(__always)
    private mutating func open(_ character: UInt8) {
        comma()
        bytes.writeInteger(character)
        needsComma = false
    }

    @inline(__always)
    private mutating func close(_ character: UInt8) {
        bytes.writeInteger(character)
        needsComma = true
    }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Ends a line: the next value begins a new one.
    public mutating func endLine() {
        bytes.writeInteger(UInt8(ascii: "\n"))
        needsComma = false
    }

    /// The key of the value that follows; keys are the program's own and need no escapes.
    @inline(__always)
    public mutating func key(_ name: StaticString) {
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: name.utf8CodeUnitCount + 4) { raw in
            var position = 0
            if needsComma {
                raw[0] = UInt8(ascii: ",")
                position = 1
            }
            raw[position] = UInt8(ascii: "\"")
            UnsafeMutableRawBufferPointer(rebasing: raw[(position + 1)...]).copyMemory(
                from: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            position += 1 + name.utf8CodeUnitCount
            raw[position] = UInt8(ascii: "\"")
            raw[position + 1] = UInt8(ascii: ":")
            return position + 2
        }
        needsComma = false
    }

    /// A key that comes from outside.
    public mutating func key(_ name: String) {
        string(name)
        bytes.writeInteger(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func null() { literal("null") }
    public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

    private mutating func literal(_ text: StaticString) {
        comma()
        bytes.writeStaticString(text)
        needsComma = true
    }

    public mutating func number(_ value: UInt64) {
        comma()
        bytes.writeDecimal(value)
        needsComma = true
    }

    public mutating func number(_ value: Int) { number(Int64(value)) }

    public mutating func number(_ value: Int64) {
        comma()
        if value < 0 { bytes.writeInteger(UInt8(ascii: "-")) }
        bytes.writeDecimal(value.magnitude)
        needsComma = true
    }

    /// A finite number; JSON has no others, so NaN and the infinities become text.
    public mutating func number(_ value: Double) {
        guard value.isFinite else { return string(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity") }
        comma()
        bytes.writeString(value.description)
        needsComma = true
    }

    /// Text that holds nothing to escape: names of the program's own.
    @inline(__always)
    public mutating func plain(_ text: StaticString) {
        comma()
        bytes.writeInteger(UInt8(ascii: "\""))
        bytes.writeStaticString(text)
        bytes.writeInteger(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Any text, with its escapes.
    public mutating func string(_ text: String) {
        comma()
        bytes.writeInteger(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { escaped($0) }
        bytes.writeInteger(UInt8(ascii: "\""))
        needsComma = true
    }

    private mutating func escaped(_ utf8: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for (index, byte) in utf8.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5c || byte == 0x7f {
            bytes.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(utf8)[start..<index]))
            start = index + 1
            switch byte {
            case 0x22: bytes.writeStaticString("\\\"")
            case 0x5c: bytes.writeStaticString("\\\\")
            case 0x0a: bytes.writeStaticString("\\n")
            case 0x0d: bytes.writeStaticString("\\r")
            case 0x09: bytes.writeStaticString("\\t")
            default:
                bytes.writeStaticString("\\u00")
                bytes.writeHex(CollectionOfOne(byte))
            }
        }
        bytes.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(utf8)[start...]))
    }

    /// Bytes as base64 text (RFC 4648 §4).
    public mutating func base64(_ value: ByteBuffer) {
        comma()
        bytes.writeInteger(UInt8(ascii: "\""))
        bytes.writeBase64(value)
        bytes.writeInteger(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Bytes as lower-case hex digits.
    public mutating func hex(_ value: some Collection<UInt8>) {
        comma()
        bytes.writeInteger(UInt8(ascii: "\""))
        bytes.writeHex(value)
        bytes.writeInteger(UInt8(ascii: "\""))
        needsComma = true
    }

    /// JSON that was written before.
    public mutating func raw(_ json: ByteBuffer) {
        comma()
        bytes.writeImmutableBuffer(json)
        needsComma = true
    }
}
