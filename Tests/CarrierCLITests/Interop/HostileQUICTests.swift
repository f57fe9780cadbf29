#if QUIC
    import Foundation
    import Testing

    /// Row 33 over QUIC.
    @Suite("Hostile peers over QUIC", .serialized, .enabled(if: PythonPeer.hasQUIC, "needs python3 with aioquic"))
    struct HostileQUICTests {
        @Test(
            "a node that listens on quic://",
            arguments: [
                ("stolen-token", "row 33: takes a token from its owner only"),
                ("without-certificate", "row 9: lets nobody in who shows no identity"),
                ("other-alpn", "row 4: refuses other protocols by name"),
            ])
        func stands(scenario: String, what: String) async throws {
            let node = try await ListeningNode([], on: "quic://127.0.0.1:0")
            let outcome = try await PythonPeer.client(.quic, scenario, to: node)
            #expect(outcome.code == 0, "\(what): \(outcome)")
            let (ping, _) = try await node.ping(1)
            #expect(ping.code == 0, "\(what): \(ping)")
            #expect(await node.end().code == -SIGTERM)
            #expect(node.records.count { $0.type == "peer" && $0["event"]?.text == "up" } == 1)
        }

        @Test("row 33: hundreds of handshakes that stay half open keep no honest peer out, and leave nothing behind")
        func halfOpen() async throws {
            let node = try await ListeningNode([], on: "quic://127.0.0.1:0")
            _ = try await node.ping(1)
            let before = try node.figures()
            let attack = try PythonPeer.start(.quic, "client", "half-open", node.address, in: node.scratch)
            #expect(await attack.line() == "holding", "\(attack.errors)")
            let (ping, slowest) = try await node.ping(10)
            #expect(ping.code == 0 && slowest < 1000, "\(slowest) ms, \(ping)")
            let after = try node.figures()
            #expect(after.peak < before.peak + 32, "\(before) became \(after)")
            #expect(await PythonPeer.end(attack).code == 0)
            _ = await node.end()
        }
    }
#endif
