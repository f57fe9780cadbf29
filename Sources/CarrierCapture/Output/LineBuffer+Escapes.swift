extension LineBuffer {
    /// What an escaped text may hold.
    package enum Escaping {
        /// Inside a JSON string (RFC 8259 §7).
        case json
        /// In a line for people and pipes: control bytes as `\n`, `\t`, `\xNN`, a backslash as `\\`, bytes that are
        /// not UTF-8 as `\xNN`.
        case text
    }

    /// Appends UTF-8, or any bytes for `.text`, so that nothing in it can move a cursor, end a line or close a string.
    package mutating func append(escaping bytes: UnsafeRawBufferPointer, for target: Escaping) {
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            if Self.isPlain(byte) {
                let plain = Self.plainPrefix(bytes, from: position)
                append(UnsafeRawBufferPointer(rebasing: bytes[position..<plain]))
                position = plain
            } else if byte < 0x80 {
                append(escape: byte, for: target)
                position += 1
            } else {
                position += append(sequenceAt: position, of: bytes, for: target)
            }
        }
    }

    package mutating func append(escaping text: String, for target: Escaping) {
        var text = text
        text.withUTF8 { append(escaping: UnsafeRawBufferPointer($0), for: target) }
    }

    /// How far the bytes from `start` on are printable ASCII without quotes and backslashes, which need no escape.
    private static func plainPrefix(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var position = start
        while bytes.count - position >= 16 {
            let block = bytes.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            let special =
                (block .< 0x20) .| (block .>= 0x7f) .| (block .== UInt8(ascii: "\"")) .| (block .== UInt8(ascii: "\\"))
            if special != SIMDMask(repeating: false) { break }
            position += 16
        }
        while position < bytes.count, isPlain(bytes[position]) { position += 1 }
        return position
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// One ASCII byte that `plainPrefix` stopped at.
    private mutating func append(escape byte: UInt8, for target: Escaping) {
        switch byte {
        case UInt8(ascii: "\""):
            if target == .json { append(UInt8(ascii: "\\")) }
            append(byte)
        case UInt8(ascii: "\\"): append("\\\\")
        case UInt8(ascii: "\n"): append("\\n")
        case UInt8(ascii: "\r"): append("\\r")
        case UInt8(ascii: "\t"): append("\\t")
        default: append(numeric: byte, for: target)
        }
    }

    private mutating func append(numeric byte: UInt8, for target: Escaping) {
        // Written at once: megabytes may need nothing but escapes.
        append(atMost: 6) { room in
            room[0] = UInt8(ascii: "\\")
            room[1] = UInt8(ascii: target == .json ? "u" : "x")
            var position = 2
            if target == .json {
                (room[2], room[3]) = (UInt8(ascii: "0"), UInt8(ascii: "0"))
                position = 4
            }
            room[position] = Self.hexDigit(byte >> 4)
            room[position + 1] = Self.hexDigit(byte & 15)
            return position + 2
        }
    }

    /// The UTF-8 sequence that begins at `position`; returns its length. A C1 control and a byte that begins no
    /// sequence are escaped.
    private mutating func append(
        sequenceAt position: Int, of bytes: UnsafeRawBufferPointer, for target: Escaping
    ) -> Int {
        let length = Self.sequenceLength(bytes, at: position)
        if length == 2 && bytes[position] == 0xc2 && bytes[position + 1] < 0xa0 {
            if target == .json {
                append(numeric: bytes[position + 1], for: target)
            } else {
                append(numeric: 0xc2, for: target)
                append(numeric: bytes[position + 1], for: target)
            }
        } else if length > 0 {
            append(UnsafeRawBufferPointer(rebasing: bytes[position..<(position + length)]))
        } else if target == .text {
            append(numeric: bytes[position], for: target)
        } else {
            // No JSON string can hold such a byte: the replacement character stands for it.
            append("\u{fffd}")
        }
        return max(1, length)
    }

    /// The length of the well-formed sequence of two to four bytes at `position` (Unicode 15, table 3-7), or 0.
    static func sequenceLength(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
        let lead = bytes[position]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xbf
        switch lead {
        case 0xc2...0xdf: length = 2
        case 0xe0: (length, second) = (3, 0xa0...0xbf)
        case 0xed: (length, second) = (3, 0x80...0x9f)
        case 0xe1...0xef: length = 3
        case 0xf0: (length, second) = (4, 0x90...0xbf)
        case 0xf4: (length, second) = (4, 0x80...0x8f)
        case 0xf1...0xf3: length = 4
        default: return 0
        }
        guard bytes.count - position >= length, second.contains(bytes[position + 1]) else { return 0 }
        for offset in 2..<max(2, length) where bytes[position + offset] & 0xc0 != 0x80 { return 0 }
        return length
    }

    /// Whether the bytes are UTF-8.
    package static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position < bytes.count {
            while bytes.count - position >= 16 {
                let block = bytes.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
                if (block .>= 0x80) != SIMDMask(repeating: false) { break }
                position += 16
            }
            if position == bytes.count { break }
            if bytes[position] < 0x80 {
                position += 1
            } else {
                let length = sequenceLength(bytes, at: position)
                if length == 0 { return false }
                position += length
            }
        }
        return true
    }
}
