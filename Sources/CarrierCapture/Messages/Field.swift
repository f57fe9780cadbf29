public import NIOCore

/// One named value of a message, for people and programs alike.
public struct Field: Sendable {
    /// In snake_case, as in JSON.
    public let name: StaticString
    public let value: FieldValue

    init(_ name: StaticString, _ value: FieldValue) {
        self.name = name
        self.value = value
    }
}

/// A value that both the text and the JSON output know how to show.
public enum FieldValue: Sendable {
    case number(UInt64)
    case bool(Bool)
    case text(String)
    /// Bytes that people read: ids, hashes, nonces.
    case hex([UInt8])
    case list([FieldValue])
    case object([Field])
    /// JSON that was written before: msgpack and protobuf bodies.
    case json(ByteBuffer)
}

extension FieldValue {
    static func count(_ value: some BinaryInteger) -> FieldValue { .number(UInt64(truncatingIfNeeded: value)) }
}

extension JSONBuffer {
    /// An object with these fields.
    public mutating func object(_ fields: [Field]) {
        beginObject()
        for field in fields {
            key(field.name)
            value(field.value)
        }
        endObject()
    }

    /// A field's value.
    public mutating func value(_ value: FieldValue) {
        switch value {
        case .number(let number): self.number(number)
        case .bool(let flag): bool(flag)
        case .text(let text): string(text)
        case .hex(let bytes): hex(bytes)
        case .object(let fields): object(fields)
        case .json(let json): raw(json)
        case .list(let values):
            beginArray()
            for item in values { self.value(item) }
            endArray()
        }
    }
}
