import Carrier

struct Greeting: MsgpackMessage {
    var text: String
}

struct Greeter: AsyncComponent {
    let opcodes = [Opcode(1000)]

    func receive(_ message: Frame, from peer: Peer) async throws -> Bool {
        let greeting = try Greeting(body: message.body)
        try await peer.reply(to: message, with: Greeting(text: "\(greeting.text) to you, too"))
        return true
    }
}

func configuration() async throws -> NodeConfiguration {
    var configuration = NodeConfiguration(identity: try await Identity.generate())
    try configuration.messages.register(Greeting.self, opcode: Opcode(1000))
    return configuration
}

func greet() async throws -> String {
    try await Node.run(configuration(), application: [Greeter()]) { server in
        let address = try await server.listen(on: Address(scheme: .tcp, host: "127.0.0.1", port: 0))
        return try await Node.run(configuration()) { client in
            let peer = try await client.dial([address])
            return try await peer.request(Greeting(text: "Good morning"), for: Greeting.self).text
        }
    }
}
