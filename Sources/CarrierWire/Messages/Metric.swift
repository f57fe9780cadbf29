public import NIOCore

/// Measures a round trip with a payload (opcode 16).
public struct MetricRequest: BuiltInMessage, Hashable {
    public static let opcode = Opcode.metricRequest

    /// The sender's own clock in nanoseconds; means nothing to the receiver.
    public var sentAt: UInt64
    /// Sent back as it came.
    public var data: ByteBuffer

    public init(sentAt: UInt64, data: ByteBuffer) {
        self.sentAt = sentAt
        self.data = data
    }

    public init(from reader: inout Reader) throws(WireError) {
        sentAt = try reader.u64("sentAt")
        data = try reader.bytes("data")
    }

    public func write(to writer: inout Writer) {
        writer.u64(sentAt)
        writer.bytes(data)
    }
}

/// What a `MetricRequest` held (opcode 17).
public struct MetricResponse: BuiltInMessage, Hashable {
    public static let opcode = Opcode.metricResponse

    public var sentAt: UInt64
    public var data: ByteBuffer

    public init(_ request: MetricRequest) {
        sentAt = request.sentAt
        data = request.data
    }

    public init(from reader: inout Reader) throws(WireError) {
        sentAt = try reader.u64("sentAt")
        data = try reader.bytes("data")
    }

    public func write(to writer: inout Writer) {
        writer.u64(sentAt)
        writer.bytes(data)
    }
}
