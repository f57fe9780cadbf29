internal import CMsgpack
public import NIOCore

/// Any MessagePack value, for programs that do not know the message's type.
public enum MsgpackValue: Hashable, Sendable {
    /// nil.
    case null
    /// A truth value.
    case bool(Bool)
    /// Every integer from -2^63 to 2^63-1.
    case int(Int64)
    /// An integer above 2^63-1; smaller ones are read as `int`.
    case uint(UInt64)
    /// 32 bits of float.
    case float(Float)
    /// 64 bits of float.
    case double(Double)
    /// Text, in UTF-8 on the wire.
    case string(String)
    /// Bytes.
    case binary(ByteBuffer)
    /// Values in their order.
    case array([MsgpackValue])
    /// Entries in their order; a key may be any value, and may be there twice.
    case map([Entry])
    /// Unix time, at any distance; extension -1 of the specification. Nanoseconds are below 10^9.
    case timestamp(seconds: Int64, nanoseconds: UInt32)
    /// An extension; types below zero are the specification's own.
    case ext(Int8, ByteBuffer)

    /// The most containers inside each other that are read or written.
    public static let depthLimit = MsgpackDocument.depthLimit

    /// A key and its value.
    public struct Entry: Hashable, Sendable {
        /// The key; any value can be one.
        public var key: MsgpackValue
        /// What it stands for.
        public var value: MsgpackValue

        /// A key with its value.
        public init(_ key: MsgpackValue, _ value: MsgpackValue) {
            self.key = key
            self.value = value
        }
    }

    /// Reads a body that holds one value: at most 32 levels deep, nothing after it.
    public init(msgpack body: ByteBuffer) throws(WireError) {
        let document = try MsgpackDocument(body)
        var path: [any CodingKey] = []
        self = try Self.read(document.root, in: document, &path)
    }

    private static func read(
        _ object: msgpack_object, in document: MsgpackDocument, _ path: inout [any CodingKey]
    ) throws(WireError) -> MsgpackValue {
        switch object.type {
        case MSGPACK_OBJECT_NIL: return .null
        case MSGPACK_OBJECT_BOOLEAN: return .bool(object.via.boolean)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: return .int(object.via.i64)
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
            return Int64(exactly: object.via.u64).map { .int($0) } ?? .uint(object.via.u64)
        case MSGPACK_OBJECT_FLOAT32: return .float(Float(object.via.f64))
        case MSGPACK_OBJECT_FLOAT64: return .double(object.via.f64)
        case MSGPACK_OBJECT_STR:
            guard let text = object.string else { throw document.failure(at: path, .notUTF8) }
            return .string(text)
        case MSGPACK_OBJECT_BIN: return .binary(ByteBuffer(bytes: object.payload ?? .init(start: nil, count: 0)))
        case MSGPACK_OBJECT_EXT:
            if let (seconds, nanoseconds) = object.timestamp {
                return .timestamp(seconds: seconds, nanoseconds: nanoseconds)
            }
            return .ext(object.via.ext.type, ByteBuffer(bytes: object.payload ?? .init(start: nil, count: 0)))
        case MSGPACK_OBJECT_ARRAY:
            var items: [MsgpackValue] = []
            items.reserveCapacity(object.items.count)
            for (index, item) in object.items.enumerated() {
                path.append(MsgpackIndex(index))
                items.append(try read(item, in: document, &path))
                path.removeLast()
            }
            return .array(items)
        case MSGPACK_OBJECT_MAP:
            var entries: [Entry] = []
            entries.reserveCapacity(object.entries.count)
            for (index, entry) in object.entries.enumerated() {
                path.append(MsgpackIndex(index))
                let key = try read(entry.key, in: document, &path)
                if case .string(let name) = key { path[path.count - 1] = MsgpackName(name) }
                entries.append(Entry(key, try read(entry.val, in: document, &path)))
                path.removeLast()
            }
            return .map(entries)
        default:
            throw document.failure(at: path, .unexpected(expected: "MessagePack", got: object.kind))
        }
    }

    /// Appends the value in its shortest form.
    ///
    /// - Throws: `tooDeep` above 32 levels, which no reader of carrier would take.
    public func encode(into output: inout ByteBuffer) throws(WireError) {
        try MsgpackPacker.pack(into: &output) { packer throws(WireError) in try pack(with: &packer, depth: 0) }
    }

    func pack(with packer: inout MsgpackPacker, depth: Int) throws(WireError) {
        switch self {
        case .null: packer.null()
        case .bool(let value): packer.bool(value)
        case .int(let value): packer.integer(value)
        case .uint(let value): packer.integer(value)
        case .float(let value): packer.float(value)
        case .double(let value): packer.double(value)
        case .string(let value): packer.string(value)
        case .binary(let value): packer.binary(value)
        case .timestamp(let seconds, let nanoseconds): packer.timestamp(seconds: seconds, nanoseconds: nanoseconds)
        case .ext(let type, let value): packer.ext(type, value)
        case .array(let items):
            try MsgpackPacker.check(depth: depth)
            packer.array(count: items.count)
            for item in items { try item.pack(with: &packer, depth: depth + 1) }
        case .map(let entries):
            try MsgpackPacker.check(depth: depth)
            packer.map(count: entries.count)
            for entry in entries {
                try entry.key.pack(with: &packer, depth: depth + 1)
                try entry.value.pack(with: &packer, depth: depth + 1)
            }
        }
    }
}

extension MsgpackPacker {
    /// Says no to a container inside `depth` others where no reader would take it.
    static func check(depth: Int) throws(WireError) {
        guard depth < MsgpackDocument.depthLimit else {
            throw WireError("body", at: 0, .tooDeep(limit: MsgpackDocument.depthLimit))
        }
    }
}
