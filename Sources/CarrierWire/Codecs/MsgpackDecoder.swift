internal import CMsgpack
internal import FoundationEssentials
internal import NIOCore

/// Reads `Decodable` values out of one object of a document.
///
/// Throws `DecodingError`, as types that try several shapes expect; only the last one is given an offset.
final class MsgpackDecoder: Decoder, SingleValueDecodingContainer {
    let document: MsgpackDocument
    let object: msgpack_object
    let codingPath: [any CodingKey]

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ document: MsgpackDocument, _ object: msgpack_object, at path: [any CodingKey]) {
        self.document = document
        self.object = object
        codingPath = path
    }

    /// The decoder of a value inside this one.
    func child(_ object: msgpack_object, _ key: some CodingKey) -> MsgpackDecoder {
        MsgpackDecoder(document, object, at: codingPath + [key])
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try MsgpackMapReader<Key>(self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try MsgpackArrayReader(self) }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    private func expect<Value>(_ value: Value?) throws(DecodingError) -> Value {
        guard let value else { throw mismatch(Value.self) }
        return value
    }

    func mismatch(_ type: any Any.Type) -> DecodingError {
        .typeMismatch(type, DecodingError.Context(codingPath: codingPath, debugDescription: object.kind))
    }

    func corrupted(_ problem: WireError.Problem) -> DecodingError {
        .dataCorrupted(
            DecodingError.Context(
                codingPath: codingPath, debugDescription: "", underlyingError: WireError("", at: 0, problem)))
    }

    func decodeNil() -> Bool { object.isNil }
    func decode(_ type: Bool.Type) throws -> Bool { try expect(object.bool) }
    func decode(_ type: Int.Type) throws -> Int { try expect(object.integer()) }
    func decode(_ type: Int8.Type) throws -> Int8 { try expect(object.integer()) }
    func decode(_ type: Int16.Type) throws -> Int16 { try expect(object.integer()) }
    func decode(_ type: Int32.Type) throws -> Int32 { try expect(object.integer()) }
    func decode(_ type: Int64.Type) throws -> Int64 { try expect(object.integer()) }
    func decode(_ type: Int128.Type) throws -> Int128 { try expect(object.integer()) }
    func decode(_ type: UInt.Type) throws -> UInt { try expect(object.integer()) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try expect(object.integer()) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try expect(object.integer()) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try expect(object.integer()) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try expect(object.integer()) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try expect(object.integer()) }
    func decode(_ type: Double.Type) throws -> Double { try expect(object.double) }

    /// Rounds a double, as `Float` is expected to; a finite one beyond its range does not fit.
    func decode(_ type: Float.Type) throws -> Float {
        let double = try expect(object.double)
        let float = Float(double)
        guard float.isFinite || !double.isFinite else { throw mismatch(Float.self) }
        return float
    }

    func decode(_ type: String.Type) throws -> String {
        guard let text = object.string else {
            throw object.type == MSGPACK_OBJECT_STR ? corrupted(.notUTF8) : mismatch(String.self)
        }
        return text
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try decodeBytes(type) ?? Value(from: self)
    }

    /// The types for which MessagePack has a form of its own.
    private func decodeBytes<Value>(_ type: Value.Type) throws -> Value? {
        if type == [UInt8].self, let bytes = object.binary { return Array(bytes) as? Value }
        if type == Data.self, let bytes = object.binary { return Data(bytes) as? Value }
        if type == ByteBuffer.self { return ByteBuffer(bytes: try expect(object.binary)) as? Value }
        if type == Date.self {
            guard let (seconds, nanoseconds) = object.timestamp else { throw mismatch(Date.self) }
            return Date(unixSeconds: seconds, nanoseconds: nanoseconds) as? Value
        }
        return nil
    }
}

extension Date {
    /// Seconds from 1970 to 2001, where `Date` counts from: taking them off first keeps what its double can hold.
    private static let epoch: Int64 = 978_307_200

    init(unixSeconds: Int64, nanoseconds: UInt32) {
        self.init(
            timeIntervalSinceReferenceDate: Double(unixSeconds.subtractingReportingOverflow(Self.epoch).partialValue)
                + Double(nanoseconds) / 1e9)
    }

    /// The time as a timestamp; nil when it is no number or beyond 2^63 seconds.
    var unixTime: (seconds: Int64, nanoseconds: UInt32)? {
        let whole = timeIntervalSinceReferenceDate.rounded(.down)
        let fraction = ((timeIntervalSinceReferenceDate - whole) * 1e9).rounded()
        guard let seconds = Int64(exactly: whole), let nanoseconds = UInt32(exactly: fraction) else { return nil }
        let (unix, overflows) = seconds.addingReportingOverflow(Self.epoch + (nanoseconds == 1_000_000_000 ? 1 : 0))
        return overflows ? nil : (unix, nanoseconds % 1_000_000_000)
    }
}
