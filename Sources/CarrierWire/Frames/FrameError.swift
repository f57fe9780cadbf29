/// A frame header that ends the connection.
public enum FrameError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A body longer than the limit; judged by the header alone.
    case bodyTooLarge(limit: Int, got: Int)
    /// Flag bits that version 1 does not know.
    case unknownFlags(UInt8)
    /// A codec that version 1 does not know.
    case unknownCodec(UInt8)
    /// Reserved bytes that are not zero.
    case reservedNotZero(UInt16)

    public var description: String {
        switch self {
        case .bodyTooLarge(let limit, let got):
            "bodyLength at offset 0: expected at most \(limit) bytes, got \(got); raise the message limit on both sides"
        case .unknownFlags(let flags): "flags at offset 8: expected bits of 0x0f, got \(flags)"
        case .unknownCodec(let codec): "codec at offset 9: expected 0, 1 or 2, got \(codec)"
        case .reservedNotZero(let value): "reserved at offset 10: expected 0, got \(value)"
        }
    }
}
