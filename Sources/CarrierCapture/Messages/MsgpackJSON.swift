public import CarrierWire
public import NIOCore

/// Shows a MessagePack value as JSON.
///
/// What JSON lacks becomes an object with one `$` key: `{"$bin":"base64"}`, `{"$ext":5,"data":"base64"}`; NaN and the
/// infinities become text. Map keys that are no text are shown as the text of their JSON.
public enum MsgpackJSON {
    /// The most levels that arrays and maps may nest.
    public static let depthLimit = 32

    /// Appends the JSON of one whole value.
    ///
    /// - Throws: `WireError` with the offset of what is no MessagePack; nothing is appended then.
    public static func write(_ bytes: ByteBuffer, to json: inout JSONBuffer) throws(WireError) {
        var reader = MsgpackReader(bytes)
        var output = JSONBuffer()
        try reader.value(into: &output, depth: 0)
        if reader.left > 0 { throw WireError("msgpack", at: reader.offset, .trailing(reader.left)) }
        json.raw(output.bytes)
    }
}

/// Walks MessagePack; memory and time follow the bytes that are there, never a declared count.
private struct MsgpackReader {
    private var buffer: ByteBuffer
    private let start: Int

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
        start = buffer.readerIndex
    }

    var offset: Int { buffer.readerIndex - start }
    var left: Int { buffer.readableBytes }

    private func truncated(_ needed: Int) -> WireError {
        WireError("msgpack", at: offset, .truncated(needed: needed, left: left))
    }

    private mutating func integer<Value: FixedWidthInteger>(_: Value.Type) throws(WireError) -> Value {
        guard let value = buffer.readInteger(as: Value.self) else { throw truncated(MemoryLayout<Value>.size) }
        return value
    }

    private mutating func bytes(_ count: Int) throws(WireError) -> ByteBuffer {
        guard let slice = buffer.readSlice(length: count) else { throw truncated(count) }
        return slice
    }

    mutating func value(into json: inout JSONBuffer, depth: Int) throws(WireError) {
        guard depth <= MsgpackJSON.depthLimit else {
            throw WireError("msgpack", at: offset, .tooDeep(limit: MsgpackJSON.depthLimit))
        }
        let position = offset
        let type = try integer(UInt8.self)
        switch type {
        case 0x00...0x7f: json.number(UInt64(type))
        case 0x80...0x8f: try map(Int(type & 15), into: &json, depth: depth)
        case 0x90...0x9f: try array(Int(type & 15), into: &json, depth: depth)
        case 0xa0...0xbf: try text(Int(type & 31), into: &json)
        case 0xc0: json.null()
        case 0xc1: throw WireError("msgpack", at: position, .unexpected(expected: "a type byte", got: "0xc1"))
        case 0xc2, 0xc3: json.bool(type == 0xc3)
        case 0xc4: try binary(Int(try integer(UInt8.self)), into: &json)
        case 0xc5: try binary(Int(try integer(UInt16.self)), into: &json)
        case 0xc6: try binary(Int(try integer(UInt32.self)), into: &json)
        case 0xc7: try ext(Int(try integer(UInt8.self)), into: &json)
        case 0xc8: try ext(Int(try integer(UInt16.self)), into: &json)
        case 0xc9: try ext(Int(try integer(UInt32.self)), into: &json)
        case 0xca: json.number(Double(Float(bitPattern: try integer(UInt32.self))))
        case 0xcb: json.number(Double(bitPattern: try integer(UInt64.self)))
        case 0xcc: json.number(UInt64(try integer(UInt8.self)))
        case 0xcd: json.number(UInt64(try integer(UInt16.self)))
        case 0xce: json.number(UInt64(try integer(UInt32.self)))
        case 0xcf: json.number(try integer(UInt64.self))
        case 0xd0: json.number(Int64(try integer(Int8.self)))
        case 0xd1: json.number(Int64(try integer(Int16.self)))
        case 0xd2: json.number(Int64(try integer(Int32.self)))
        case 0xd3: json.number(try integer(Int64.self))
        case 0xd4...0xd8: try ext(1 << Int(type - 0xd4), into: &json)
        case 0xd9: try text(Int(try integer(UInt8.self)), into: &json)
        case 0xda: try text(Int(try integer(UInt16.self)), into: &json)
        case 0xdb: try text(Int(try integer(UInt32.self)), into: &json)
        case 0xdc: try array(Int(try integer(UInt16.self)), into: &json, depth: depth)
        case 0xdd: try array(Int(try integer(UInt32.self)), into: &json, depth: depth)
        case 0xde: try map(Int(try integer(UInt16.self)), into: &json, depth: depth)
        case 0xdf: try map(Int(try integer(UInt32.self)), into: &json, depth: depth)
        default: json.number(Int64(Int8(bitPattern: type)))
        }
    }

    private mutating func text(_ count: Int) throws(WireError) -> String {
        let position = offset
        guard let text = String(validating: try bytes(count).readableBytesView, as: UTF8.self) else {
            throw WireError("msgpack", at: position, .notUTF8)
        }
        return text
    }

    private mutating func text(_ count: Int, into json: inout JSONBuffer) throws(WireError) {
        json.string(try text(count))
    }

    private mutating func binary(_ count: Int, into json: inout JSONBuffer) throws(WireError) {
        let value = try bytes(count)
        json.beginObject()
        json.key("$bin" as StaticString)
        json.base64(value)
        json.endObject()
    }

    private mutating func ext(_ count: Int, into json: inout JSONBuffer) throws(WireError) {
        let type = try integer(Int8.self)
        let value = try bytes(count)
        json.beginObject()
        json.key("$ext" as StaticString)
        json.number(Int64(type))
        json.key("data" as StaticString)
        json.base64(value)
        json.endObject()
    }

    private mutating func array(_ count: Int, into json: inout JSONBuffer, depth: Int) throws(WireError) {
        guard count <= left else { throw truncated(count) }
        json.beginArray()
        for _ in 0..<count { try value(into: &json, depth: depth + 1) }
        json.endArray()
    }

    private mutating func map(_ count: Int, into json: inout JSONBuffer, depth: Int) throws(WireError) {
        guard count <= left / 2 else { throw truncated(count.multipliedReportingOverflow(by: 2).partialValue) }
        json.beginObject()
        for _ in 0..<count {
            json.key(try mapKey(depth: depth + 1))
            try value(into: &json, depth: depth + 1)
        }
        json.endObject()
    }

    private mutating func mapKey(depth: Int) throws(WireError) -> String {
        var key = JSONBuffer()
        let before = buffer
        // A text key is the key itself; anything else is shown as its JSON.
        switch try integer(UInt8.self) {
        case let type where type & 0xe0 == 0xa0: return try text(Int(type & 31))
        case 0xd9: return try text(Int(try integer(UInt8.self)))
        case 0xda: return try text(Int(try integer(UInt16.self)))
        case 0xdb: return try text(Int(try integer(UInt32.self)))
        default:
            buffer = before
            try value(into: &key, depth: depth)
            return String(decoding: key.bytes.readableBytesView, as: UTF8.self)
        }
    }
}
