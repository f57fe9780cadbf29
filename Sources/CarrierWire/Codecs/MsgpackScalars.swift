internal import CMsgpack

/// What one object of libmsgpack says, as Swift values: nil where it says something else.
extension msgpack_object {
    var isNil: Bool { type == MSGPACK_OBJECT_NIL }

    var bool: Bool? { type == MSGPACK_OBJECT_BOOLEAN ? via.boolean : nil }

    /// An integer that fits, or a float that is one.
    func integer<Value: FixedWidthInteger>(as type: Value.Type = Value.self) -> Value? {
        switch self.type {
        case MSGPACK_OBJECT_POSITIVE_INTEGER: Value(exactly: via.u64)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: Value(exactly: via.i64)
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: Value(exactly: via.f64)
        default: nil
        }
    }

    /// A float, or an integer that a double holds exactly.
    var double: Double? {
        switch type {
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: via.f64
        case MSGPACK_OBJECT_POSITIVE_INTEGER: Double(exactly: via.u64)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: Double(exactly: via.i64)
        default: nil
        }
    }

    /// The bytes of text, of binary or of an extension.
    var payload: UnsafeRawBufferPointer? {
        switch type {
        case MSGPACK_OBJECT_STR: UnsafeRawBufferPointer(start: via.str.ptr, count: Int(via.str.size))
        case MSGPACK_OBJECT_BIN: UnsafeRawBufferPointer(start: via.bin.ptr, count: Int(via.bin.size))
        case MSGPACK_OBJECT_EXT: UnsafeRawBufferPointer(start: via.ext.ptr, count: Int(via.ext.size))
        default: nil
        }
    }

    /// Text that is UTF-8.
    var string: String? {
        guard type == MSGPACK_OBJECT_STR, let payload else { return nil }
        return String(validating: payload, as: UTF8.self)
    }

    /// Bytes declared as such.
    var binary: UnsafeRawBufferPointer? { type == MSGPACK_OBJECT_BIN ? payload : nil }

    /// A timestamp with nanoseconds that are some.
    var timestamp: (seconds: Int64, nanoseconds: UInt32)? {
        var time = msgpack_timestamp()
        let isOne = withUnsafePointer(to: self) { msgpack_object_to_timestamp($0, &time) }
        return isOne && time.tv_nsec < 1_000_000_000 ? (time.tv_sec, time.tv_nsec) : nil
    }

    /// What names an entry of a map: text, or an integer in digits.
    var keyText: String? {
        switch type {
        case MSGPACK_OBJECT_STR: string
        case MSGPACK_OBJECT_POSITIVE_INTEGER: "\(via.u64)"
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: "\(via.i64)"
        default: nil
        }
    }

    /// For errors.
    var kind: String {
        switch type {
        case MSGPACK_OBJECT_NIL: "nil"
        case MSGPACK_OBJECT_BOOLEAN: "\(via.boolean)"
        case MSGPACK_OBJECT_POSITIVE_INTEGER: "\(via.u64)"
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: "\(via.i64)"
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: "\(via.f64)"
        case MSGPACK_OBJECT_STR: string == nil ? "text that is not UTF-8" : "text"
        case MSGPACK_OBJECT_BIN: "binary"
        case MSGPACK_OBJECT_ARRAY: "an array"
        case MSGPACK_OBJECT_MAP: "a map"
        case MSGPACK_OBJECT_EXT: "an extension of type \(via.ext.type)"
        default: "type \(type.rawValue)"
        }
    }
}
