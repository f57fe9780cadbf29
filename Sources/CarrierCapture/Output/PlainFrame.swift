public import CarrierWire

/// A frame of a plain stream of which its header says all: what most of a large file is.
///
/// The short way past `CaptureRecord`, which would say the same of it at ten times the cost.
public struct PlainFrame {
    /// Counts the units of a run from 1.
    public let number: Int
    /// Where it begins in the input.
    public let offset: UInt64
    public let header: FrameHeader
    /// Header and body, for the time of the call that it came with.
    public let bytes: UnsafeRawBufferPointer

    /// Whether nothing can be wrong with the body of such a frame, and no field is in it but the nonce of an ack.
    static func isPlain(_ header: FrameHeader) -> Bool {
        guard header.codec == 0 else { return false }
        return switch header.opcode {
        case .bytes, .ping, .pong: true
        case .keepalive, .keepaliveResponse: header.bodyLength == 0
        case .ackResponse: header.bodyLength == 4
        default: header.opcode.isApplication
        }
    }

    /// The name of its message in kebab-case, `application` for opcodes from 1000 up.
    public var kind: StaticString {
        switch header.opcode {
        case .bytes: "bytes"
        case .ping: "ping"
        case .pong: "pong"
        case .keepalive: "keepalive"
        case .keepaliveResponse: "keepalive-response"
        case .ackResponse: "ack-response"
        default: "application"
        }
    }

    /// The nonce that an ack names.
    var acknowledgedNonce: UInt32? {
        guard header.opcode == .ackResponse, bytes.count == Frame.headerSize + 4 else { return nil }
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: Frame.headerSize, as: UInt32.self))
    }
}
