public import CarrierWire

/// Answers each `MetricRequest` with the sender's clock and payload.
public struct MetricResponder: Component {
    public let name = "metric"
    public let opcodes: [Opcode] = [.metricRequest]

    public init() {}

    /// - Throws: `WireError` for a malformed request.
    public mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
        let request = try MetricRequest(fields: message.frame.body)
        context.reply(to: message, with: MetricResponse(request))
        return true
    }
}
