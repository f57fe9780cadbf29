/// What XML of a gateway may be before a parser sees it.
enum XMLBounds {
    /// How deep elements may be nested; descriptions have ten levels.
    static let depth = 32

    /// What is wrong with `bytes`; nil when nothing is.
    static func fault(in bytes: [UInt8]) -> HTTPAnswer.Fault? {
        var depth = 0
        var index = bytes.startIndex
        while let open = bytes[index...].firstIndex(of: UInt8(ascii: "<")) {
            guard let close = bytes[open...].firstIndex(of: UInt8(ascii: ">")), close > open + 1 else {
                return .init(expected: "whole tags", got: "a tag without end")
            }
            switch bytes[open + 1] {
            case UInt8(ascii: "/"): depth -= 1
            case UInt8(ascii: "?"), UInt8(ascii: "!"): break
            default: if bytes[close - 1] != UInt8(ascii: "/") { depth += 1 }
            }
            if depth > Self.depth {
                return .init(expected: "XML at most \(Self.depth) levels deep", got: "a deeper one")
            }
            index = close + 1
        }
        if index == bytes.startIndex { return .init(expected: "XML", got: "no tag at all") }
        // `<!…>` may hold anything, entity definitions too: no gateway needs one.
        return nil
    }
}
