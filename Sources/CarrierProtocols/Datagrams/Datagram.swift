public import CarrierWire
public import NIOCore

/// One datagram of carrier's UDP transport (carrier-wire(7) §6).
public enum Datagram: Equatable, Sendable {
    /// The first message of a handshake, with the token of a retry or without one.
    case initiation(sender: UInt32, preface: Preface, token: ByteBuffer, message: ByteBuffer)
    /// Asks for the first message once more, with this token: proof of address.
    case retry(receiver: UInt32, token: ByteBuffer)
    /// The second message of a handshake.
    case response(sender: UInt32, receiver: UInt32, preface: Preface, message: ByteBuffer)
    /// The third message of a handshake.
    case final(sender: UInt32, receiver: UInt32, message: ByteBuffer)
    /// One sealed frame.
    case data(receiver: UInt32, counter: UInt64, sealed: ByteBuffer)

    /// Bytes of an initiation, at least: nobody can be made to send more than was sent.
    public static let initiationSize = 1200
    /// The most bytes of a datagram that a node sends, by default.
    public static let sizeLimit = 1200
    /// Bytes around a frame: the data header and the tag.
    public static let overhead = 1 + 4 + 8 + 16
    /// The most bytes of a token.
    public static let tokenLimit = 256

    /// Reads a datagram; nil for anything that is none.
    public init?(_ bytes: ByteBuffer) {
        do throws(WireError) {
            var reader = Reader(bytes)
            switch try reader.u8("kind") {
            case 1:
                guard bytes.readableBytes >= Self.initiationSize else { return nil }
                let sender = try reader.u32("sender")
                guard let preface = try Self.preface(&reader) else { return nil }
                let token = try reader.bytes("token", limit: Self.tokenLimit)
                self = .initiation(
                    sender: sender, preface: preface, token: token, message: try reader.raw("message", count: 32))
            case 2:
                self = .retry(
                    receiver: try reader.u32("receiver"), token: try reader.bytes("token", limit: Self.tokenLimit))
            case 3:
                let sender = try reader.u32("sender")
                let receiver = try reader.u32("receiver")
                guard let preface = try Self.preface(&reader) else { return nil }
                self = .response(
                    sender: sender, receiver: receiver, preface: preface,
                    message: try reader.raw("message", count: reader.left))
            case 4:
                self = .final(
                    sender: try reader.u32("sender"), receiver: try reader.u32("receiver"),
                    message: try reader.raw("message", count: reader.left))
            case 5:
                self = .data(
                    receiver: try reader.u32("receiver"), counter: try reader.u64("counter"),
                    sealed: try reader.raw("sealed", count: reader.left))
            default: return nil
            }
        } catch { return nil }
    }

    private static func preface(_ reader: inout Reader) throws(WireError) -> Preface? {
        var raw = try reader.raw("preface", count: Preface.size)
        return Preface(&raw)
    }

    /// The datagram as bytes.
    public var encoded: ByteBuffer {
        var writer = Writer()
        switch self {
        case .initiation(let sender, let preface, let token, let message):
            writer.u8(1)
            writer.u32(sender)
            writer.raw(preface.encoded)
            writer.bytes(token)
            writer.raw(message)
            let padding = Self.initiationSize - writer.buffer.readableBytes
            if padding > 0 { writer.raw(repeatElement(0, count: padding)) }
        case .retry(let receiver, let token):
            writer.u8(2)
            writer.u32(receiver)
            writer.bytes(token)
        case .response(let sender, let receiver, let preface, let message):
            writer.u8(3)
            writer.u32(sender)
            writer.u32(receiver)
            writer.raw(preface.encoded)
            writer.raw(message)
        case .final(let sender, let receiver, let message):
            writer.u8(4)
            writer.u32(sender)
            writer.u32(receiver)
            writer.raw(message)
        case .data(let receiver, let counter, let sealed):
            writer.u8(5)
            writer.u32(receiver)
            writer.u64(counter)
            writer.raw(sealed)
        }
        return writer.buffer
    }
}
