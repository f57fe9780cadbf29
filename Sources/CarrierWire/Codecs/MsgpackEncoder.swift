internal import FoundationEssentials
internal import NIOCore

/// One place of a message being encoded: a value, or a container whose count is known only when all is in it.
final class MsgpackEncoder: Encoder, SingleValueEncodingContainer {
    private enum Content {
        case nothing
        case value(MsgpackValue)
        case array
        case map
    }

    let codingPath: [any CodingKey]
    private var content = Content.nothing
    // For a map, a key for each child.
    private var keys: [String] = []
    private var children: [MsgpackEncoder] = []

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(at path: [any CodingKey]) { codingPath = path }

    /// The place of a map's next value.
    func child(_ key: some CodingKey) -> MsgpackEncoder {
        keys.append(key.stringValue)
        children.append(MsgpackEncoder(at: codingPath + [key]))
        return children[children.count - 1]
    }

    /// The place of an array's next item.
    func child() -> MsgpackEncoder {
        children.append(MsgpackEncoder(at: codingPath + [MsgpackIndex(children.count)]))
        return children[children.count - 1]
    }

    var count: Int { children.count }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        content = .map
        return KeyedEncodingContainer(MsgpackMapWriter<Key>(slot: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        content = .array
        return MsgpackArrayWriter(slot: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { content = .value(.null) }
    func encode(_ value: Bool) { content = .value(.bool(value)) }
    func encode(_ value: String) { content = .value(.string(value)) }
    func encode(_ value: Double) { content = .value(.double(value)) }
    func encode(_ value: Float) { content = .value(.float(value)) }
    func encode(_ value: Int) { content = .value(.int(Int64(value))) }
    func encode(_ value: Int8) { content = .value(.int(Int64(value))) }
    func encode(_ value: Int16) { content = .value(.int(Int64(value))) }
    func encode(_ value: Int32) { content = .value(.int(Int64(value))) }
    func encode(_ value: Int64) { content = .value(.int(value)) }
    func encode(_ value: UInt) { content = .value(.uint(UInt64(value))) }
    func encode(_ value: UInt8) { content = .value(.uint(UInt64(value))) }
    func encode(_ value: UInt16) { content = .value(.uint(UInt64(value))) }
    func encode(_ value: UInt32) { content = .value(.uint(UInt64(value))) }
    func encode(_ value: UInt64) { content = .value(.uint(value)) }
    func encode(_ value: Int128) throws { try encodeWide(value) }
    func encode(_ value: UInt128) throws { try encodeWide(value) }

    private func encodeWide(_ value: some BinaryInteger) throws {
        if let value = Int64(exactly: value) { return encode(value) }
        if let value = UInt64(exactly: value) { return encode(value) }
        throw invalid(value, "an integer from -2^63 to 2^64-1")
    }

    func encode<Value: Encodable>(_ value: Value) throws {
        // Here, because a type that contains itself would use up the stack before anything is packed.
        guard codingPath.count <= MsgpackDocument.depthLimit else {
            throw WireError(codingPath.msgpackPath, at: 0, .tooDeep(limit: MsgpackDocument.depthLimit))
        }
        // The types for which MessagePack has a form of its own.
        switch value {
        case let bytes as [UInt8] where Value.self == [UInt8].self: content = .value(.binary(ByteBuffer(bytes: bytes)))
        case let data as Data: content = .value(.binary(ByteBuffer(bytes: data)))
        case let buffer as ByteBuffer: content = .value(.binary(buffer))
        case let date as Date:
            guard let (seconds, nanoseconds) = date.unixTime else { throw invalid(value, "a time within 2^63 seconds") }
            content = .value(.timestamp(seconds: seconds, nanoseconds: nanoseconds))
        default: try value.encode(to: self)
        }
    }

    private func invalid(_ value: Any, _ expected: String) -> EncodingError {
        .invalidValue(value, EncodingError.Context(codingPath: codingPath, debugDescription: expected))
    }

    /// Packs what has been encoded, now that the counts are known.
    func pack(with packer: inout MsgpackPacker, depth: Int) throws(WireError) {
        switch content {
        case .nothing:
            throw WireError(
                codingPath.msgpackPath, at: 0, .unexpected(expected: "a value that encodes something", got: "nothing"))
        case .value(let value): try value.pack(with: &packer, depth: depth)
        case .array:
            try MsgpackPacker.check(depth: depth)
            packer.array(count: children.count)
            for child in children { try child.pack(with: &packer, depth: depth + 1) }
        case .map:
            try MsgpackPacker.check(depth: depth)
            packer.map(count: children.count)
            for (key, child) in zip(keys, children) {
                packer.string(key)
                try child.pack(with: &packer, depth: depth + 1)
            }
        }
    }
}

/// Fills a map. One generic `encode` serves every type: scalars find their way to the single value of the child.
private struct MsgpackMapWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let slot: MsgpackEncoder
    var codingPath: [any CodingKey] { slot.codingPath }

    func encodeNil(forKey key: Key) { slot.child(key).encodeNil() }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { try slot.child(key).encode(value) }
    // These two have a default that fails, which comes before the generic one.
    func encode(_ value: Int128, forKey key: Key) throws { try slot.child(key).encode(value) }
    func encode(_ value: UInt128, forKey key: Key) throws { try slot.child(key).encode(value) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        slot.child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { slot.child(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { slot.child(MsgpackName("super")) }
    func superEncoder(forKey key: Key) -> any Encoder { slot.child(key) }
}

/// Fills an array.
private struct MsgpackArrayWriter: UnkeyedEncodingContainer {
    let slot: MsgpackEncoder
    var codingPath: [any CodingKey] { slot.codingPath }
    var count: Int { slot.count }

    func encodeNil() { slot.child().encodeNil() }
    func encode<Value: Encodable>(_ value: Value) throws { try slot.child().encode(value) }
    func encode(_ value: Int128) throws { try slot.child().encode(value) }
    func encode(_ value: UInt128) throws { try slot.child().encode(value) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        slot.child().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { slot.child().unkeyedContainer() }
    func superEncoder() -> any Encoder { slot.child() }
}
