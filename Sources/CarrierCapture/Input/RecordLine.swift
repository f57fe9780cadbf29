internal import NIOCore

/// What `--encode` needs of a record: its type, whether it is derived, and the base64 text of its bytes.
struct RecordLine {
    enum Malformed: Error, CustomStringConvertible {
        case notJSON(at: Int)
        case notBase64

        var description: String {
            switch self {
            case .notJSON(let offset): "no JSON at offset \(offset) of the object"
            case .notBase64: "raw_b64 is not base64"
            }
        }
    }

    private(set) var type = ""
    private(set) var isDerived = false
    /// The text of `raw_b64`.
    private(set) var raw: ByteBuffer?

    private let text: ByteBuffer
    private var position = 0

    /// Reads the outermost keys of an object; values inside others are passed over.
    init(_ text: ByteBuffer) throws(Malformed) {
        self.text = text
        try expect(UInt8(ascii: "{"))
        skipSpace()
        if peek == UInt8(ascii: "}") { return }
        while true {
            skipSpace()
            let key = try string()
            skipSpace()
            try expect(UInt8(ascii: ":"))
            skipSpace()
            try value(of: key)
            skipSpace()
            if peek == UInt8(ascii: "}") { return }
            try expect(UInt8(ascii: ","))
        }
    }

    private var peek: UInt8? { text.getInteger(at: text.readerIndex + position) }

    private mutating func skipSpace() {
        while let character = peek, character <= 0x20 { position += 1 }
    }

    private mutating func expect(_ character: UInt8) throws(Malformed) {
        guard peek == character else { throw .notJSON(at: position) }
        position += 1
    }

    /// The text between the quotes, its escapes as they stand but for `\/`, which some writers put into base64.
    private mutating func string() throws(Malformed) -> ByteBuffer {
        try expect(UInt8(ascii: "\""))
        let from = position
        let rest = text.readableBytesView.dropFirst(from)
        var hasEscapes = false
        var index = rest.startIndex
        while index < rest.endIndex, rest[index] != UInt8(ascii: "\"") {
            if rest[index] == UInt8(ascii: "\\") {
                hasEscapes = true
                index += 1
            }
            index += 1
        }
        guard index < rest.endIndex else { throw .notJSON(at: from) }
        let count = index - rest.startIndex
        position = from + count + 1
        let plain = text.getSlice(at: text.readerIndex + from, length: count) ?? ByteBuffer()
        return hasEscapes ? Self.unescaped(plain) : plain
    }

    private static func unescaped(_ text: ByteBuffer) -> ByteBuffer {
        var output = ByteBuffer()
        var wasBackslash = false
        for character in text.readableBytesView {
            if wasBackslash, character == UInt8(ascii: "/") {
                output.moveWriterIndex(to: output.writerIndex - 1)
            }
            output.writeInteger(character)
            wasBackslash = character == UInt8(ascii: "\\") && !wasBackslash
        }
        return output
    }

    private mutating func value(of key: ByteBuffer) throws(Malformed) {
        let from = position
        if peek == UInt8(ascii: "\"") {
            let value = try string()
            if key.isText("type") { type = String(decoding: value.readableBytesView, as: UTF8.self) }
            if key.isText("raw_b64") { raw = value }
        } else {
            try skipValue()
            if key.isText("derived"),
                text.getSlice(at: text.readerIndex + from, length: position - from)?.isText("true") == true
            {
                isDerived = true
            }
        }
    }

    /// Passes over a number, a word, an array or an object; the scanner has made sure that brackets close.
    private mutating func skipValue() throws(Malformed) {
        let from = position
        var depth = 0
        while let character = peek {
            switch character {
            case UInt8(ascii: "\""):
                _ = try string()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return try check(from) }
                depth -= 1
            case UInt8(ascii: ","), 0...0x20:
                if depth == 0 { return try check(from) }
            default: break
            }
            position += 1
        }
    }

    private func check(_ from: Int) throws(Malformed) {
        if position == from { throw .notJSON(at: from) }
    }
}

extension ByteBuffer {
    fileprivate func isText(_ text: StaticString) -> Bool {
        readableBytes == text.utf8CodeUnitCount
            && withUnsafeReadableBytes { raw in
                raw.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
            }
    }
}
