public import NIOCore

/// Something that takes any bytes at all: `run` throws where what came of them is wrong, and a trap is worse still.
public struct FuzzTarget: Sendable {
    /// As the command line and the folders of inputs call it.
    public let name: String
    /// The most bytes of an input that are worth trying.
    public let sizeLimit: Int
    public let run: @Sendable (ByteBuffer) throws -> Void

    public static let all: [FuzzTarget] = [
        FuzzTarget(name: "decode", sizeLimit: 512, run: DecodeTarget.run),
        FuzzTarget(name: "identity", sizeLimit: 512, run: IdentityTarget.run),
        FuzzTarget(name: "frames", sizeLimit: 512, run: FramesTarget.run),
        FuzzTarget(name: "messages", sizeLimit: 512, run: MessagesTarget.run),
        FuzzTarget(name: "lookup-answer", sizeLimit: 4096, run: LookupAnswerTarget.run),
        FuzzTarget(name: "msgpack", sizeLimit: 512, run: MsgpackTarget.run),
        FuzzTarget(name: "handshake", sizeLimit: 512, run: HandshakeTarget.run),
        FuzzTarget(name: "datagrams", sizeLimit: 1400, run: DatagramTarget.run),
        FuzzTarget(name: "session", sizeLimit: 256, run: SessionTarget.run),
        FuzzTarget(name: "routing-table", sizeLimit: 512, run: RoutingTableTarget.run),
        FuzzTarget(name: "lookup", sizeLimit: 512, run: LookupTarget.run),
        FuzzTarget(name: "broadcast", sizeLimit: 256, run: BroadcastTarget.run),
    ]
}

/// What was expected of an input and did not come.
struct FuzzFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Fails unless `condition` holds.
func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw FuzzFailure(what()) }
}

/// Reads an input as a row of choices; behind its end all choices are 0.
struct Choices {
    private var bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    /// Whether any are left.
    var isEmpty: Bool { bytes.readableBytes == 0 }

    mutating func byte() -> UInt8 { bytes.readInteger() ?? 0 }

    /// A number from 0 up to, not including, `limit`, which is at least 1.
    mutating func number(below limit: Int) -> Int {
        let value = limit <= 256 ? Int(byte()) : Int(byte()) << 8 | Int(byte())
        return value % limit
    }

    /// One of several.
    mutating func choice<Value>(of values: [Value]) -> Value { values[number(below: values.count)] }

    mutating func bytes(_ count: Int) -> ByteBuffer {
        bytes.readSlice(length: min(count, bytes.readableBytes)) ?? ByteBuffer()
    }

    /// All that is left.
    mutating func rest() -> ByteBuffer { bytes(bytes.readableBytes) }
}
