public import NIOCore

/// Writes JSON straight into bytes, with no value in between: a capture has millions of records.
public struct JSONBuffer: ~Copyable {
    private var bytes = LineBuffer()
    private var needsComma = false

    public init() {}

    /// How many bytes have been written.
    public var count: Int { bytes.count }

    /// Takes what has been written.
    public mutating func take() -> ByteBuffer {
        defer { bytes.clear() }
        return ByteBuffer(bytes: bytes.bytes)
    }

    /// Gives what has been written to `body` and forgets it, keeping the memory.
    public mutating func drain(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        try body(bytes.bytes)
        bytes.clear()
    }

    @inline(__always)
    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    @inline(__always)
    private mutating func open(_ character: UInt8) {
        comma()
        bytes.append(character)
        needsComma = false
    }

    @inline(__always)
    private mutating func close(_ character: UInt8) {
        bytes.append(character)
        needsComma = true
    }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Ends a line: the next value begins a new one.
    public mutating func endLine() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    /// The key of the value that follows; keys are the program's own and need no escapes.
    @inline(__always)
    public mutating func key(_ name: StaticString) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(name)
        bytes.append("\":")
        needsComma = false
    }

    /// A key that comes from outside.
    public mutating func key(text name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

    private mutating func literal(_ text: StaticString) {
        comma()
        bytes.append(text)
        needsComma = true
    }

    public mutating func number(_ value: UInt64) {
        comma()
        bytes.append(decimal: value)
        needsComma = true
    }

    public mutating func number(_ value: Int) { number(Int64(value)) }

    public mutating func number(_ value: Int64) {
        comma()
        bytes.append(decimal: value)
        needsComma = true
    }

    /// Text that holds nothing to escape: names of the program's own.
    @inline(__always)
    public mutating func plain(_ text: StaticString) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(text)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Any text, with its escapes.
    public mutating func string(_ text: String) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(escaping: text, for: .json)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Bytes as base64 text (RFC 4648 §4).
    public mutating func base64(_ value: UnsafeRawBufferPointer) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(base64: value)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Bytes as base64 text.
    public mutating func base64(_ value: ByteBuffer) {
        value.withUnsafeReadableBytes { base64($0) }
    }

    /// Bytes as lower-case hex digits.
    public mutating func hex(_ value: some Collection<UInt8>) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(hex: value)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// JSON that was written before.
    public mutating func raw(_ json: ByteBuffer) {
        comma()
        bytes.append(json)
        needsComma = true
    }
}
