import Carrier
import CarrierCrypto
import CarrierProtocols
import CarrierWire
import NIOCore
import Testing

@Suite("UDP, where it differs", .timeLimit(.minutes(1)))
struct UDPLimitTests {
    @Test("a frame that does not fit into a datagram is refused at the sender, and the text names the limit")
    func limit() async throws {
        try await TestNetwork(.udp).withNodes { _, client, address in
            let peer = try await client.dial([address])
            let most = Datagram.sizeLimit - Datagram.overhead - Frame.headerSize
            _ = try await peer.ping(ByteBuffer(repeating: 1, count: most), within: .seconds(5))
            let error = RequestError.datagramTooLarge(limit: most + 16, got: most + 17)
            await #expect(throws: error) {
                try await peer.ping(ByteBuffer(repeating: 1, count: most + 1), within: .seconds(5))
            }
            await #expect(throws: error) {
                try await peer.send(Frame(Opcode(rawValue: 1000), body: ByteBuffer(repeating: 1, count: most + 1)))
            }
            #expect(
                error.description
                    == "expected a frame of at most 1171 bytes over udp://, got 1172; use tcp:// or quic://")
            _ = try await peer.ping(ByteBuffer(string: "nothing is broken"), within: .seconds(5))
        }
    }

    @Test("an answer to a lookup holds as many records as fit")
    func records() async throws {
        let network = TestNetwork(.udp)
        let identity = try TestIdentity.make()
        try await Node.run(network.configuration(identity), components: Self.overlay(identity)) { server in
            let address = try await server.listen(on: network.anywhere)
            let stream = try await server.listen(on: TestNetwork(.tcp).anywhere)
            await server.publish([stream])
            try await Self.join(10, stream, network)
            try await Node.run(network.configuration()) { client in
                let request = LookupNodeRequest(target: client.id.nodeID, count: 20).frame()
                let few = try await client.dial([address]).request(request)
                let many = try LookupNodeResponse(fields: few.body).records.count
                #expect(many > 3 && many < 10 && few.body.readableBytes <= 1155, "\(many) records")
                for peer in await client.peers { await peer.disconnect() }
                try await eventually("the first session is over") { await server.peers.isEmpty }
                let all = try await client.dial([stream]).request(request)
                #expect(try LookupNodeResponse(fields: all.body).records.count == 10)
            }
        }
    }

    private static func overlay(_ identity: Identity, through bootstrap: [Address] = []) -> [any Component] {
        var discovery = DiscoveryConfiguration()
        discovery.bootstrap = bootstrap
        discovery.verifier = SignatureVerifier(Puzzle.Difficulty(staticBits: 0, dynamicBits: 0))
        return Node.overlayComponents(identity, discovery: discovery)
    }

    /// Makes so many nodes contacts of the one at `address`.
    private static func join(_ count: Int, _ address: Address, _ network: TestNetwork) async throws {
        for index in 0..<count {
            let identity = try TestIdentity.make()
            try await Node.run(network.configuration(identity), components: Self.overlay(identity, through: [address]))
            {
                node in
                await node.publish([Address(scheme: .tcp, host: "127.0.0.1", port: UInt16(4000 + index))])
            } _: { node in
                try await node.joined()
                #expect(await node.peers.count == 1)
            }
        }
    }

    @Test("sessions are bounded: one more is turned away, and there is room again when one ends")
    func table() async throws {
        let network = TestNetwork(.udp)
        try await network.withNodes {
            $0.limits.connections.inbound = 2
            $0.limits.dial.timeout = .seconds(1)
        } _: { server, first, address in
            let one = try await first.dial([address])
            try await Node.run(network.configuration()) { second in
                _ = try await second.dial([address])
                try await Node.run(network.configuration { $0.limits.dial.timeout = .seconds(1) }) { third in
                    // It is let into the handshake, and told.
                    let refused = try await third.dial([address])
                    guard case .remote(.tooManyConnections, _) = try await refused.ending() else {
                        Issue.record("expected to be turned away, got \(String(describing: await refused.cause))")
                        return
                    }
                    await one.disconnect()
                    try await eventually("there is room") { await server.peers.count == 1 }
                    let welcome = try await third.dial([address])
                    _ = try await welcome.ping(ByteBuffer(string: "in"), within: .seconds(5))
                }
            }
        }
    }
}
