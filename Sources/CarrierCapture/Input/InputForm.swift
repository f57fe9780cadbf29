internal import NIOCore

/// What an input looks like from outside.
public enum InputForm: String, Sendable, CaseIterable {
    /// Frames as they are on the wire, or one direction of a session from its preface on.
    case frames
    /// Hex digits as text: bare, with `0x` or separators, as `xxd` or `hexdump -C` print them.
    case hex
    /// Base64 text, of either alphabet.
    case base64
    /// A pcap or pcapng file.
    case pcap
    /// The JSON Lines that `decode --json` writes.
    case json

    /// How many bytes a guess looks at.
    static let guessLimit = 4096

    /// Guesses the form from the first bytes.
    ///
    /// - Parameter isWhole: whether no more bytes follow.
    /// - Returns: nil when more bytes are needed to tell.
    static func guess(_ bytes: ByteBuffer, isWhole: Bool) -> InputForm? {
        let view = bytes.readableBytesView
        if let isCapture = isCapture(bytes, isWhole: isWhole) {
            if isCapture { return .pcap }
        } else {
            return nil
        }
        var text = Array(view.prefix(guessLimit))
        if text.starts(with: [0xef, 0xbb, 0xbf]) { text.removeFirst(3) }
        // A frame's header has zeros in it: text never does.
        guard text.allSatisfy({ $0 >= 0x20 && $0 < 0x7f || (0x09...0x0d).contains($0) }) else { return .frames }
        guard let start = text.firstIndex(where: { $0 > 0x20 }) else {
            return isWhole || text.count >= guessLimit - 3 ? .frames : nil
        }
        if text[start] == UInt8(ascii: "{") || text[start] == UInt8(ascii: "[") { return .json }
        let line = text[start...].prefix { $0 != 0x0a && $0 != 0x0d }
        let isLineWhole = start + line.count < text.count || isWhole || text.count >= guessLimit
        if !isLineWhole && line.count < 64 { return nil }
        if HexColumns.begins(line) || isHex(line) { return .hex }
        return line.allSatisfy { Base64.values[Int($0)] != 0xff || $0 == UInt8(ascii: "=") || $0 == 0x20 || $0 == 0x09 }
            ? .base64 : .frames
    }

    private static func isHex(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy { HexText.digit($0) != nil || HexText.isSeparator($0) || $0 | 0x20 == UInt8(ascii: "x") }
            && line.contains { HexText.digit($0) != nil }
            || line.first == UInt8(ascii: "#")
    }

    /// Whether the magic of pcap or pcapng begins the bytes; nil while it still may.
    private static func isCapture(_ bytes: ByteBuffer, isWhole: Bool) -> Bool? {
        let magics: [[UInt8]] = [
            [0xa1, 0xb2, 0xc3, 0xd4], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [0x4d, 0x3c, 0xb2, 0xa1],
            [0xa1, 0xb2, 0xcd, 0x34], [0x34, 0xcd, 0xb2, 0xa1], [0x0a, 0x0d, 0x0d, 0x0a],
        ]
        let first = Array(bytes.readableBytesView.prefix(12))
        for magic in magics {
            guard first.starts(with: magic.prefix(first.count)) else { continue }
            if first.count < 4 { return isWhole ? false : nil }
            // pcapng's magic could be line ends; the byte order behind it settles that.
            if magic[0] != 0x0a { return true }
            if first.count < 12 { return isWhole ? false : nil }
            let order = Array(first[8..<12])
            return order == [0x1a, 0x2b, 0x3c, 0x4d] || order == [0x4d, 0x3c, 0x2b, 0x1a]
        }
        return false
    }
}
