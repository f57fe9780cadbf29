import Foundation
import Testing

@Suite("A second implementation of the protocol", .enabled(if: PythonPeer.isThere, "\(PythonPeer.need)"))
struct InteropTests {
    @Test(
        "is answered by a listening node as the page says",
        arguments: ["messages", "later-fields", "lookup", "broadcast"])
    func answered(scenario: String) async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.interop, scenario, to: node)
        #expect(outcome.code == 0, "\(outcome)")
        let end = await node.end()
        #expect(end.code == -SIGTERM && node.endings == ["closed by the peer: shutdown"], "\(end)")
    }

    @Test("sends an application's messages in each codec")
    func application() async throws {
        let node = try await ListeningNode()
        let outcome = try await PythonPeer.client(.interop, "application", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        _ = await node.end()
        let messages = node.records.filter { $0.type == "message" }
        #expect(messages.map { $0["opcode"]?.number } == [1000, 1001, 1002])
        #expect(messages.map { $0["codec"]?.text } == ["bytes", "msgpack", "protobuf"])
        #expect(messages.map { $0["payload_b64"]?.text } == ["aGVsbG8=", "gqFhw6FikwECAw==", "CCo="])
    }

    @Test("gets its byte stream back from listen --echo, with both half-closes")
    func echo() async throws {
        let node = try await ListeningNode("--echo")
        let outcome = try await PythonPeer.client(.interop, "echo", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        _ = await node.end()
    }

    @Test("sends a file to listen --pipe, which acknowledges the last byte")
    func sendFile() async throws {
        let node = try await ListeningNode("--pipe")
        let text = (0..<100_000).map { "line \($0)" }.joined(separator: "\n")
        try node.scratch.write(text, to: "file")
        let outcome = try await PythonPeer.client(.interop, "send-file", "file", to: node)
        #expect(outcome.code == 0, "\(outcome)")
        let end = await node.child.outcome()
        #expect(end.code == 0 && end.output == text, "\(end.code) \(end.bytes.count) bytes, \(end.errors)")
    }

    @Test("rekeys after 2^20 records of a direction, and again, which is counted")
    func rekey() async throws {
        let node = try await ListeningNode("--pipe", "--stats", "100ms")
        let outcome = try await PythonPeer.client(.interop, "rekey", to: node, limit: .seconds(100))
        #expect(outcome.code == 0, "\(outcome)")
        #expect(await node.child.errorLine(containing: "records reached 2 times") != nil, "\(node.child.errors)")
        node.child.closeInput()
        let end = await node.child.outcome()
        // A frame of 8 bytes, its header and so 24 records each.
        let frames = 2 * 1_048_576 / 24 + 10
        #expect(end.lines.count == frames, "\(end.bytes.count) bytes, \(end.errors)")
        #expect(end.lines.enumerated().allSatisfy { Int($1) == $0 })
    }

    @Test("answers pings, a probing dial and keepalives of the node")
    func answers() async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.interop, "answers", in: scratch)
        let ping = try await scratch.carrier("ping", "-c", "3", "-i", "20ms", "-s", "40000", "--json", address)
        #expect(ping.code == 0 && ping.records.count { $0.type == "reply" } == 3, "\(ping)")
        let probe = try await scratch.carrier("dial", "-z", "--json", address)
        #expect(probe.code == 0 && probe.records.first?["pinned"] == .bool(true), "\(probe)")
        let end = await PythonPeer.end(server)
        #expect(end.code == 0, "\(end)")
    }

    @Test("exchanges byte streams with carrier dial")
    func stream() async throws {
        let scratch = try Scratch()
        let (server, address) = try await PythonPeer.server(.interop, "stream", in: scratch)
        try scratch.write(String(repeating: "0123456789abcde\n", count: 200_000), to: "in")
        let outcome = try await scratch.shell(
            "carrier dial --timeout 20s '\(address)' <in >out && sha256sum out in && wc -c <out")
        let lines = (0..<100_000).map { "line \($0)\n" }.joined()
        #expect(outcome.code == 0 && outcome.lines.last == "\(lines.utf8.count)", "\(outcome)")
        #expect(try scratch.read("out") == lines)
        let sum = outcome.lines.first { $0.hasSuffix("in") }?.split(separator: " ").first ?? ""
        #expect(await server.line { $0.hasPrefix("got") } == "got 3200000 \(sum)")
        let end = await PythonPeer.end(server)
        #expect(end.code == 0, "\(end)")
    }
}
