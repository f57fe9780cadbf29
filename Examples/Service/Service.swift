import Carrier

extension Carrier_Examples_StockQuery: ProtobufMessage {}
extension Carrier_Examples_StockAnswer: ProtobufMessage {}

/// Answers what there is in a store.
struct Store: AsyncComponent {
    let stock: [String: UInt32]
    let opcodes = [Opcode(1000)]

    func receive(_ message: Frame, from peer: Peer) async throws -> Bool {
        let query = try Carrier_Examples_StockQuery(body: message.body)
        var answer = Carrier_Examples_StockAnswer()
        answer.item = query.item
        answer.known = stock[query.item] != nil
        answer.count = stock[query.item] ?? 0
        try await peer.reply(to: message, with: answer)
        return true
    }
}

/// A store and a customer on this machine.
@main
struct Service {
    static func main() async throws {
        let store = Store(stock: ["nails": 1200, "hammers": 3])
        try await Node.run(configuration(), application: [store]) { server in
            let address = try await server.listen(on: Address(scheme: .tcp, host: "127.0.0.1", port: 0))
            try await Node.run(configuration()) { customer in
                let peer = try await customer.dial([address])
                for item in ["nails", "hammers", "anvils"] {
                    var query = Carrier_Examples_StockQuery()
                    query.item = item
                    let answer = try await peer.request(
                        query, for: Carrier_Examples_StockAnswer.self, within: .seconds(5))
                    print(answer.known ? "\(answer.count) \(item)" : "no \(item)")
                }
            }
        }
    }

    static func configuration() async throws -> NodeConfiguration {
        var configuration = NodeConfiguration(identity: try await Identity.generate())
        try configuration.messages.register(Carrier_Examples_StockQuery.self, opcode: Opcode(1000))
        try configuration.messages.register(Carrier_Examples_StockAnswer.self, opcode: Opcode(1001))
        return configuration
    }
}
