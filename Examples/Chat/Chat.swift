import Carrier

/// One line of a chat.
struct Line: MsgpackMessage {
    static let opcode = Opcode(1000)
    var author: String
    var text: String
}

/// Prints what the others write, and who comes and goes.
struct Screen: AsyncComponent {
    let owner: String
    let opcodes = [Line.opcode]

    func connected(_ peer: Peer) async throws { print("\(owner): somebody joined") }

    func receive(_ message: Frame, from peer: Peer) async throws -> Bool {
        let line = try Line(body: message.body)
        print("\(owner): <\(line.author)> \(line.text)")
        return true
    }

    func disconnected(_ peer: Peer, _ cause: DisconnectCause) async throws { print("\(owner): somebody left") }
}

/// Three people on this machine, each connected to the one who hosts; the host passes nothing on, it is a chat of neighbours.
@main
struct Chat {
    static func main() async throws {
        try await node(of: "ada") { host in
            let address = try await host.listen(on: Address(scheme: .tcp, host: "127.0.0.1", port: 0))
            try await node(of: "ben") { ben in
                try await node(of: "cleo") { cleo in
                    _ = try await ben.dial([address])
                    _ = try await cleo.dial([address])
                    try await say("hello from ben", as: "ben", on: ben)
                    try await say("hello from cleo", as: "cleo", on: cleo)
                    try await say("welcome, both of you", as: "ada", on: host)
                }
            }
        }
    }

    static func node(of name: String, _ body: @Sendable (Node) async throws -> Void) async throws {
        var configuration = NodeConfiguration(identity: try await Identity.generate())
        try configuration.messages.register(Line.self, opcode: Line.opcode)
        try await Node.run(configuration, application: [Screen(owner: name)], body)
    }

    /// Tells every peer that is connected, and waits until all of them have it.
    static func say(_ text: String, as author: String, on node: Node) async throws {
        for peer in await node.peers { try await peer.send(Line(author: author, text: text), acknowledged: true) }
    }
}
