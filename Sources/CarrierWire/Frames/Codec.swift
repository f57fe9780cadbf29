/// How a frame's body is encoded (carrier-wire(7) §4.4).
public enum Codec: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    /// Little-endian fields, or bytes as they are.
    case bytes = 0
    /// Protocol Buffers.
    case protobuf = 1
    /// MessagePack.
    case msgpack = 2

    public var description: String {
        switch self {
        case .bytes: "bytes"
        case .protobuf: "protobuf"
        case .msgpack: "msgpack"
        }
    }

    /// The codec of that name; nil for any other.
    public init?(name: some StringProtocol) {
        guard let codec = Codec.allCases.first(where: { $0.description == name }) else { return nil }
        self = codec
    }
}
