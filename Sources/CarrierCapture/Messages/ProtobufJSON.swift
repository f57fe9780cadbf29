public import CarrierWire
public import NIOCore

/// Shows a Protocol Buffers body without its schema: a list of fields by number.
///
/// `[{"field":1,"varint":150},{"field":2,"text":"abc"},{"field":3,"message":[…]},{"field":4,"bytes_b64":"…"}]`; a
/// length-delimited value is shown as text where it is printable UTF-8, as a message where it reads as one, else as
/// bytes.
public enum ProtobufJSON {
    /// The most levels that are tried as messages; deeper ones are shown as bytes.
    public static let depthLimit = 16

    /// Appends the JSON of a whole body.
    ///
    /// - Throws: `WireError` with the offset of what is no Protocol Buffers; nothing is appended then.
    public static func write(_ bytes: ByteBuffer, to json: inout JSONBuffer) throws(WireError) {
        var check = ProtobufReader(bytes)
        while try check.field() != nil {}
        fields(bytes, to: &json, depth: 0)
    }

    /// Shows fields that were walked before and so cannot fail.
    private static func fields(_ bytes: ByteBuffer, to json: inout JSONBuffer, depth: Int) {
        var reader = ProtobufReader(bytes)
        json.beginArray()
        while let field = (try? reader.field()) ?? nil {
            json.beginObject()
            json.key("field")
            json.number(field.number)
            switch field.value {
            case .varint(let value):
                json.key("varint")
                json.number(value)
            case .fixed64(let value):
                json.key("fixed64")
                json.number(value)
            case .fixed32(let value):
                json.key("fixed32")
                json.number(UInt64(value))
            case .bytes(let value): show(value, to: &json, depth: depth)
            }
            json.endObject()
        }
        json.endArray()
    }

    private static func show(_ value: ByteBuffer, to json: inout JSONBuffer, depth: Int) {
        if let text = printable(value) {
            json.key("text")
            json.string(text)
        } else if depth < depthLimit, isMessage(value) {
            json.key("message")
            fields(value, to: &json, depth: depth + 1)
        } else {
            json.key("bytes_b64")
            json.base64(value)
        }
    }

    private static func printable(_ value: ByteBuffer) -> String? {
        let isPrintable = value.readableBytesView.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 || $0 == 0x0a }
        return isPrintable ? String(validating: value.readableBytesView, as: UTF8.self) : nil
    }

    private static func isMessage(_ value: ByteBuffer) -> Bool {
        var reader = ProtobufReader(value)
        do {
            while try reader.field() != nil {}
            return true
        } catch {
            return false
        }
    }
}

private struct ProtobufReader {
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ByteBuffer)
    }

    private var buffer: ByteBuffer
    private let start: Int

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
        start = buffer.readerIndex
    }

    private var offset: Int { buffer.readerIndex - start }

    private func truncated(_ needed: Int) -> WireError {
        WireError("protobuf", at: offset, .truncated(needed: needed, left: buffer.readableBytes))
    }

    private mutating func varint() throws(WireError) -> UInt64 {
        let position = offset
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = buffer.readInteger(as: UInt8.self) else { throw truncated(1) }
            if shift == 63 && byte > 1 { break }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw WireError("protobuf", at: position, .unexpected(expected: "a varint of 64 bits", got: "a longer one"))
    }

    /// The next field; nil at the end.
    mutating func field() throws(WireError) -> (number: UInt64, value: Value)? {
        guard buffer.readableBytes > 0 else { return nil }
        let position = offset
        let tag = try varint()
        let number = tag >> 3
        guard number > 0, number < 1 << 29 else {
            throw WireError("protobuf", at: position, .unexpected(expected: "a field number", got: "\(number)"))
        }
        switch tag & 7 {
        case 0: return (number, .varint(try varint()))
        case 1:
            guard let value = buffer.readInteger(endianness: .little, as: UInt64.self) else { throw truncated(8) }
            return (number, .fixed64(value))
        case 2:
            let length = try varint()
            guard length <= UInt64(buffer.readableBytes), let value = buffer.readSlice(length: Int(length)) else {
                throw truncated(Int(clamping: length))
            }
            return (number, .bytes(value))
        case 5:
            guard let value = buffer.readInteger(endianness: .little, as: UInt32.self) else { throw truncated(4) }
            return (number, .fixed32(value))
        case let type:
            throw WireError("protobuf", at: position, .unexpected(expected: "wire type 0, 1, 2 or 5", got: "\(type)"))
        }
    }
}
