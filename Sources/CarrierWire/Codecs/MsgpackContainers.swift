internal import CMsgpack

/// Reads a map by its keys.
///
/// One generic `decode` serves every type: scalars find their way to the single value of the child.
struct MsgpackMapReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let decoder: MsgpackDecoder
    // An index, because a body may have as many keys as bytes and a type may ask for all of them.
    private let places: [String: Int]

    init(_ decoder: MsgpackDecoder) throws(DecodingError) {
        guard decoder.object.type == MSGPACK_OBJECT_MAP else { throw decoder.mismatch([String: Any].self) }
        self.decoder = decoder
        var places: [String: Int] = [:]
        places.reserveCapacity(decoder.object.entries.count)
        for (index, entry) in decoder.object.entries.enumerated() {
            guard let name = entry.key.keyText else {
                throw decoder.corrupted(.unexpected(expected: "keys that are text", got: entry.key.kind))
            }
            guard places.updateValue(index, forKey: name) == nil else {
                throw decoder.corrupted(.unexpected(expected: "each key once", got: "\(name) twice"))
            }
        }
        self.places = places
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { decoder.object.entries.compactMap { $0.key.keyText.flatMap { Key(stringValue: $0) } } }

    func contains(_ key: Key) -> Bool { places[key.stringValue] != nil }

    private func child(_ key: some CodingKey) throws(DecodingError) -> MsgpackDecoder {
        guard let place = places[key.stringValue] else {
            throw .keyNotFound(key, DecodingError.Context(codingPath: codingPath, debugDescription: ""))
        }
        return decoder.child(decoder.object.entries[place].val, key)
    }

    func decodeNil(forKey key: Key) throws -> Bool { try child(key).decodeNil() }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try child(key).decode(type) }
    // These two have a default that fails, which comes before the generic one.
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try child(key).decode(type) }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try child(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { try child(MsgpackName("super")) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }
}

/// Reads an array from its first item to its last.
struct MsgpackArrayReader: UnkeyedDecodingContainer {
    private let decoder: MsgpackDecoder
    private(set) var currentIndex = 0

    init(_ decoder: MsgpackDecoder) throws(DecodingError) {
        guard decoder.object.type == MSGPACK_OBJECT_ARRAY else { throw decoder.mismatch([Any].self) }
        self.decoder = decoder
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { decoder.object.items.count }
    var isAtEnd: Bool { currentIndex >= decoder.object.items.count }

    private func current() throws(DecodingError) -> MsgpackDecoder {
        guard currentIndex < decoder.object.items.count else {
            throw .valueNotFound(
                MsgpackValue.self,
                DecodingError.Context(
                    codingPath: codingPath, debugDescription: "the end after \(currentIndex) items"))
        }
        return decoder.child(decoder.object.items[currentIndex], MsgpackIndex(currentIndex))
    }

    mutating func decodeNil() throws -> Bool {
        guard try current().decodeNil() else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try current().decode(type)
        currentIndex += 1
        return value
    }

    mutating func decode(_ type: Int128.Type) throws -> Int128 {
        let value = try current().decode(type)
        currentIndex += 1
        return value
    }

    mutating func decode(_ type: UInt128.Type) throws -> UInt128 {
        let value = try current().decode(type)
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let nested = try current().container(keyedBy: type)
        currentIndex += 1
        return nested
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let nested = try current().unkeyedContainer()
        currentIndex += 1
        return nested
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try current()
        currentIndex += 1
        return decoder
    }
}
