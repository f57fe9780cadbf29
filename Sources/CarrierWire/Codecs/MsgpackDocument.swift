internal import CMsgpack
internal import NIOCore

/// A MessagePack body as libmsgpack has taken it apart. Owns the memory that the objects point into.
final class MsgpackDocument {
    /// The most containers inside each other: what libmsgpack's parser has room for.
    static let depthLimit = 32

    // The objects of libmsgpack point into their input, so it must not move while they live.
    private let input: UnsafeMutableRawBufferPointer
    private var unpacked = msgpack_unpacked()

    /// The value that the body holds.
    var root: msgpack_object { unpacked.data }

    /// Takes a whole body apart: one value and nothing after it.
    ///
    /// Memory is bounded by some 50 times the body's size, whatever counts it declares.
    init(_ body: ByteBuffer) throws(WireError) {
        input = .allocate(byteCount: body.readableBytes, alignment: 1)
        body.withUnsafeReadableBytes { input.copyMemory(from: $0) }
        try check()
        var offset = 0
        let status = msgpack_unpack_next(&unpacked, text, input.count, &offset)
        guard status == MSGPACK_UNPACK_SUCCESS, offset == input.count else {
            throw WireError("body", at: offset, .unexpected(expected: "MessagePack", got: "status \(status.rawValue)"))
        }
    }

    deinit {
        msgpack_unpacked_destroy(&unpacked)
        input.deallocate()
    }

    private var text: UnsafePointer<CChar>? { UnsafePointer(input.bindMemory(to: CChar.self).baseAddress) }

    private static func parser(room: Int) -> carrier_msgpack_context {
        var parser = carrier_msgpack_context()
        parser.user.room = UInt64(room)
        carrier_msgpack_init(&parser)
        return parser
    }

    /// Goes over the input without building anything.
    private func check() throws(WireError) {
        var parser = Self.parser(room: input.count)
        var offset = 0
        let status = carrier_msgpack_execute(&parser, text, input.count, &offset)
        if status > 0 {
            let rest = input.count - offset
            if rest > 0 { throw WireError("end", at: offset, .trailing(rest)) }
            return
        }
        let (values, declared) = (Int(parser.user.values), Int(parser.user.declared))
        if declared > 0 {
            throw failure(atValue: values - 1, .tooLong(limit: Int(parser.user.room), got: declared))
        }
        if status == 0 {
            let needed = parser.cs == MSGPACK_CS_HEADER.rawValue ? 1 : Int(parser.trail)
            throw failure(atValue: values, .truncated(needed: needed, left: input.count - offset))
        }
        if status == MSGPACK_UNPACK_NOMEM_ERROR.rawValue {
            throw failure(atValue: values, .tooDeep(limit: Self.depthLimit))
        }
        throw failure(atValue: values, .unexpected(expected: "MessagePack", got: "a byte that begins no value"))
    }

    private func failure(atValue number: Int, _ problem: WireError.Problem) -> WireError {
        WireError("value \(number)", at: offset(ofValue: number), problem)
    }

    /// Where a value begins, by its number in the order of the bytes. For errors only: gives the parser one byte more
    /// each time, until it has seen all values before.
    private func offset(ofValue number: Int) -> Int {
        var parser = Self.parser(room: .max)
        var (position, end) = (0, 0)
        while parser.user.values < number, end < input.count {
            end += 1
            _ = carrier_msgpack_execute(&parser, text, end, &position)
        }
        return end
    }

    /// What is wrong at a place in the document: the path is its name, the offset is looked up.
    func failure(at path: [any CodingKey], _ problem: WireError.Problem) -> WireError {
        var number = 0
        var object = root
        for key in path {
            guard let (step, child) = object.child(key) else { break }
            number += step
            object = child
        }
        return WireError(path.msgpackPath, at: offset(ofValue: number), problem)
    }
}

extension msgpack_object {
    /// The items of an array; empty for anything else.
    var items: UnsafeBufferPointer<msgpack_object> {
        guard type == MSGPACK_OBJECT_ARRAY else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(start: via.array.ptr, count: Int(via.array.size))
    }

    /// The entries of a map; empty for anything else.
    var entries: UnsafeBufferPointer<msgpack_object_kv> {
        guard type == MSGPACK_OBJECT_MAP else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(start: via.map.ptr, count: Int(via.map.size))
    }

    /// How many values this one is made of, itself included.
    private var valueCount: Int {
        items.reduce(1) { $0 + $1.valueCount } + entries.reduce(0) { $0 + $1.key.valueCount + $1.val.valueCount }
    }

    /// The value behind a key or an index, and how many values begin before it and not before this one.
    fileprivate func child(_ key: any CodingKey) -> (step: Int, object: msgpack_object)? {
        var step = 1
        for (index, item) in items.enumerated() {
            if index == key.intValue { return (step, item) }
            step += item.valueCount
        }
        for (index, entry) in entries.enumerated() {
            let isWanted = key is MsgpackIndex ? index == key.intValue : entry.key.keyText == key.stringValue
            if isWanted { return (step + entry.key.valueCount, entry.val) }
            step += entry.key.valueCount + entry.val.valueCount
        }
        return nil
    }
}

/// A place in an array, or in a map whose keys are no text.
struct MsgpackIndex: CodingKey {
    let index: Int

    init(_ index: Int) { self.index = index }
    init?(intValue: Int) { index = intValue }
    init?(stringValue: String) { nil }
    var intValue: Int? { index }
    var stringValue: String { "\(index)" }
}

/// A key of a map.
struct MsgpackName: CodingKey {
    let stringValue: String

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    var intValue: Int? { nil }
}

extension [any CodingKey] {
    /// `body`, `orders[3].name`: how an error names a place.
    var msgpackPath: String {
        var text = ""
        for key in self {
            if key is MsgpackIndex {
                text += "[\(key.stringValue)]"
            } else {
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return text.isEmpty ? "body" : text
    }
}
