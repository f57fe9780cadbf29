internal import NIOCore

/// Cuts text into its outermost JSON objects, one a line or not; what stands between them is junk but for whitespace
/// and an array's brackets and commas.
struct JSONObjectScanner {
    enum Found {
        case object(offset: UInt64, ByteBuffer)
        case junk(offset: UInt64, length: UInt64)
    }

    private let limit: Int
    private var buffer = ByteBuffer()
    private var offset: UInt64 = 0
    /// How far the buffer has been looked at.
    private var position = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var isAtEnd = false
    private var junk: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    mutating func feed(_ text: ByteBuffer) {
        if buffer.readerIndex > buffer.readableBytes { buffer.discardReadBytes() }
        buffer.writeImmutableBuffer(text)
    }

    mutating func finish() { isAtEnd = true }

    mutating func next() -> Found? {
        while true {
            if depth == 0, let found = skipToObject() { return found }
            guard depth > 0 else { return nil }
            let extent = scanObject()
            guard extent != .unfinished || isAtEnd || position > limit else { return nil }
            let (count, start) = (position, offset)
            position = 0
            depth = 0
            isInString = false
            isEscaped = false
            offset += UInt64(count)
            let text = buffer.readSlice(length: count) ?? ByteBuffer()
            if extent == .whole { return .object(offset: start, text) }
            junk += UInt64(count)
        }
    }

    /// Passes over what stands between objects; gives junk that ended.
    private mutating func skipToObject() -> Found? {
        while let character: UInt8 = buffer.getInteger(at: buffer.readerIndex) {
            let isQuiet =
                character <= 0x20 || character == UInt8(ascii: ",") || character == UInt8(ascii: "[")
                || character == UInt8(ascii: "]")
            if (isQuiet || character == UInt8(ascii: "{")) && junk > 0 { return takeJunk() }
            if character == UInt8(ascii: "{") {
                depth = 1
                position = 1
                return nil
            }
            if !isQuiet { junk += 1 }
            buffer.moveReaderIndex(forwardBy: 1)
            offset += 1
        }
        return isAtEnd && junk > 0 ? takeJunk() : nil
    }

    private mutating func takeJunk() -> Found {
        defer { junk = 0 }
        return .junk(offset: offset - junk, length: junk)
    }

    private enum Extent {
        case whole
        case unfinished
        /// The next record begins before this one ends.
        case broken
    }

    /// How each record begins: at the start of a line nothing else does.
    private static let recordStart = Array(#"{"type":"#.utf8)

    /// Goes on to the end of the object.
    private mutating func scanObject() -> Extent {
        var (position, depth, isInString, isEscaped) = (position, depth, isInString, isEscaped)
        let isAtEnd = isAtEnd
        var isBroken = false
        buffer.withUnsafeReadableBytes { raw in
            while depth > 0, position < raw.count {
                let character = raw[position]
                if character == 0x0a {
                    let next = raw[(position &+ 1)...].prefix(Self.recordStart.count)
                    if next.elementsEqual(Self.recordStart) { isBroken = true }
                    let needsMore = next.count < Self.recordStart.count && !isAtEnd
                    if isBroken || (needsMore && Self.recordStart.starts(with: next)) { break }
                }
                position &+= 1
                if isInString {
                    if isEscaped {
                        isEscaped = false
                    } else if character == UInt8(ascii: "\\") {
                        isEscaped = true
                    } else if character == UInt8(ascii: "\"") {
                        isInString = false
                    }
                } else {
                    switch character {
                    case UInt8(ascii: "\""): isInString = true
                    case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
                    case UInt8(ascii: "}"), UInt8(ascii: "]"): depth &-= 1
                    default: break
                    }
                }
            }
        }
        (self.position, self.depth, self.isInString, self.isEscaped) = (position, depth, isInString, isEscaped)
        return isBroken ? .broken : depth == 0 ? .whole : .unfinished
    }
}
