public import NIOCore

/// Measures a round trip with a payload (opcode 16).
public struct MetricRequest: BuiltInMessage, Hashable {
    public static let opcode = Opcode.metricRequest

    /// The sender's own clock in nanoseconds; means nothing to the receiver.
    public var sentAt: UInt64
    /// Sent back as it came.
    public var data: ByteBuffer

    /// A request with the sender's time, in nanoseconds.
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

    /// As it was asked with.
    public var sentAt: UInt64
    /// As it was asked with.
    public var data: ByteBuffer

    /// The answer to a request: what it held.
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
