public import CarrierWire

/// Answers each `Ping` with its payload.
public struct PingResponder: Component {
    public let name = "ping"
    public let opcodes: [Opcode] = [.ping]

    /// A component without settings.
    public init() {}

    public mutating func receive(_ message: Inbound, _ context: inout Context) -> Bool {
        // The body goes back as it came, sharing its memory: a ping costs no copy.
        context.send(
            Frame(.pong, flags: .reply, nonce: message.frame.nonce, body: message.frame.body),
            to: Destination(message.peer))
        return true
    }
}
