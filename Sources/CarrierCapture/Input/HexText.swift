internal import NIOCore

/// Reads hex digits as people and tools write them: bare, `0x…`, `de:ad`, `\xde\xad`, and the columns of `xxd` and
/// `hexdump -C`. Digits pair within a line; a line with anything else is passed over and reported.
struct HexText: TextStage {
    /// Longer lines are read in parts; columns are never that long.
    private static let lineLimit = 64 << 10

    private var line: [UInt8] = []
    private var lineOffset: UInt64 = 0
    private var isContinued = false
    /// Whether the first line had `hexdump -C`'s columns, where a bare offset ends the dump.
    private var hasOffsets = false
    private var isFirst = true

    static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func isSeparator(_ character: UInt8) -> Bool {
        switch character {
        case 0x09, 0x0b, 0x0c, 0x0d, 0x20, UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: ";"),
            UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    mutating func feed(_ text: ByteBuffer, _ output: inout TextOutput) {
        for byte in text.readableBytesView {
            if byte == 0x0a {
                endLine(&output)
                lineOffset += 1
            } else {
                line.append(byte)
                if line.count >= Self.lineLimit { readPart(&output) }
            }
        }
    }

    mutating func finish(_ output: inout TextOutput) { endLine(&output) }

    private mutating func endLine(_ output: inout TextOutput) {
        defer {
            lineOffset += UInt64(line.count)
            line.removeAll(keepingCapacity: true)
            isContinued = false
        }
        if isContinued { return read(line[...], isEnd: true, &output) }
        var text = line[...]
        if lineOffset == 0, text.starts(with: [0xef, 0xbb, 0xbf]) { text = text.dropFirst(3) }
        while let last = text.last, last == 0x0d || last == 0x20 || last == 0x09 { text.removeLast() }
        guard let first = text.first(where: { $0 > 0x20 }), first != UInt8(ascii: "#") else { return }
        if let columns = HexColumns.data(text) {
            if isFirst { hasOffsets = true }
            isFirst = false
            return read(columns, isEnd: true, &output)
        }
        if hasOffsets && HexColumns.isBareOffset(text) { return }
        isFirst = false
        read(text, isEnd: true, &output)
    }

    /// Reads the part of an over-long line that is there, but for an odd last digit.
    private mutating func readPart(_ output: inout TextOutput) {
        read(line[...], isEnd: false, &output)
        isContinued = true
    }

    private mutating func read(_ text: ArraySlice<UInt8>, isEnd: Bool, _ output: inout TextOutput) {
        let before = output.bytes.writerIndex
        var high: UInt8?
        var isRejected = false
        var used = text.startIndex
        for index in text.indices {
            let character = text[index]
            if let digit = Self.digit(character) {
                if let first = high {
                    output.bytes.writeInteger(first << 4 | digit)
                    high = nil
                    used = index + 1
                } else {
                    high = digit
                }
            } else if character | 0x20 == UInt8(ascii: "x"), high == 0 || high == nil {
                // `0x` or `\x` before a byte.
                high = nil
            } else if Self.isSeparator(character), high == nil {
                continue
            } else {
                isRejected = true
                break
            }
        }
        if isRejected || (isEnd && high != nil) {
            output.bytes.moveWriterIndex(to: before)
            output.gaps.append((lineOffset, UInt64(text.count), isRejected ? "not hex digits" : "odd count of digits"))
        }
        if !isEnd {
            let keep = isRejected || high == nil ? text.endIndex : used
            lineOffset += UInt64(keep - line.startIndex)
            line.removeSubrange(line.startIndex..<keep)
        }
    }
}

/// The columns of hex dumps: an offset, the bytes, the same as text.
enum HexColumns {
    /// Whether a line begins with an offset.
    static func begins(_ line: ArraySlice<UInt8>) -> Bool { data(line) != nil }

    /// The middle column of a line; nil when the line has no columns.
    static func data(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let digits = line.prefix { HexText.digit($0) != nil }
        let rest = line[digits.endIndex...]
        // xxd: `00000010: 2000 0000 0a00 0000  ....`; hexdump -C: `00000010  20 00 00 00  0a 00 00 00  |....|`.
        if digits.count >= 6, rest.starts(with: ": ".utf8) || rest.elementsEqual(":".utf8) {
            let columns = rest.dropFirst(2)
            var end = columns.startIndex
            while end < columns.endIndex, !columns[end...].starts(with: "  ".utf8) { end += 1 }
            return columns[..<end]
        }
        if digits.count == 8, rest.starts(with: "  ".utf8), let bar = rest.firstIndex(of: UInt8(ascii: "|")) {
            return rest[..<bar]
        }
        return nil
    }

    /// The last line of `hexdump -C`.
    static func isBareOffset(_ line: ArraySlice<UInt8>) -> Bool {
        line.count == 8 && line.allSatisfy { HexText.digit($0) != nil }
    }
}
