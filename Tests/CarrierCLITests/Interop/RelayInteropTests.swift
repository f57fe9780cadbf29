import Foundation
import Testing

@Suite(
    "A second implementation of the protocol, at relays", .serialized,
    .enabled(if: PythonPeer.isThere, "\(PythonPeer.need)"))
struct RelayInteropTests {
    @Test("gets a door at listen --relay-for-others, and fetches who comes there")
    func door() async throws {
        let node = try await ListeningNode("--relay-for-others")
        let before = try node.figures()
        let outcome = try await PythonPeer.client(.interop, "door", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await node.becomes { $0.descriptors <= before.descriptors })
        #expect(await node.end().code == -SIGTERM)
    }

    @Test("is dialled back by a listening node")
    func dialBack() async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.interop, "dial-back", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(await node.end().code == -SIGTERM)
    }

    @Test("is a relay for listen --relay, and carrier passes its door")
    func relay() async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.interop, "relay", in: scratch)
        let node = try await ListeningNode("--relay", address)
        let id = try #require(node.records.first?["public_key"]?.text)
        let door = try #require(await server.line { $0.hasPrefix("door ") })
            .replacingOccurrences(of: "door tcp://", with: "tcp://\(id)@")
        let ping = try await scratch.carrier("ping", "-c", "3", "-i", "20ms", "-s", "100000", "--json", door)
        #expect(ping.code == 0 && ping.records.count { $0.type == "reply" } == 3, "\(ping)")
        #expect(await node.end().code == -SIGTERM)
        let end = await PythonPeer.end(server)
        #expect(end.code == 0, "\(end)")
    }

    @Test("row 27: asked to dial others, a node does not")
    func victims() async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.hostile, "victims", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await node.ping(1).outcome.code == 0)
        #expect(await node.end().code == -SIGTERM)
    }

    @Test("a relay gives what its limits say, and gets everything back")
    func limits() async throws {
        let node = try await ListeningNode("--relay-for-others")
        let before = try node.figures()
        let outcome = try await PythonPeer.client(.hostile, "doors", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await node.ping(1).outcome.code == 0)
        #expect(try await node.becomes { $0.descriptors <= before.descriptors })
        #expect(await node.end().code == -SIGTERM)
    }

    @Test("row 26: nobody is sent to a poisoned address")
    func poison() async throws {
        let scratch = try Scratch()
        let victim = try scratch.startShell(
            """
            exec python3 -c 'import socket
            s = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
            print(s.getsockname()[1], flush=True)
            s.settimeout(6)
            s.accept()
            print("dialled", flush=True)'
            """)
        let port = try #require(await victim.line())
        let (server, address) = try await PythonPeer.server(.hostile, "poison", port, in: scratch)
        let target = String(repeating: "ab", count: 32)
        let lookup = try await scratch.carrier("lookup", "--json", "--bootstrap", address, target)
        #expect(lookup.code == 1, "\(lookup)")
        let verify = try await scratch.carrier("lookup", "--closest", "16", "--verify", "--bootstrap", address, target)
        #expect(!verify.output.contains("@0.0.0.0") && !verify.output.contains("@169.254"), "\(verify)")
        #expect(await victim.outcome().output == "\(port)\n")
        let end = await PythonPeer.end(server)
        #expect(end.code == 0, "\(end)")
    }
}
