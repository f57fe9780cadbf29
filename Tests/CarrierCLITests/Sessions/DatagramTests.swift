import Foundation
import Testing

@Suite("Commands over udp://", .serialized)
struct DatagramTests {
    private func node(_ options: String...) async throws -> ListeningNode {
        try await ListeningNode(options, on: "udp://127.0.0.1:0")
    }

    @Test("ping")
    func ping() async throws {
        let node = try await node()
        let outcome = try await node.scratch.carrier("ping", "-c", "5", "-i", "10ms", "--json", node.address)
        #expect(outcome.code == 0 && outcome.records.count { $0.type == "reply" } == 5, "\(outcome)")
        let large = try await node.scratch.carrier("ping", "-c", "1", "-s", "5000", node.address)
        #expect(large.code != 0 && large.errors.contains("at most 1171 bytes over udp://"), "\(large)")
        _ = await node.end()
    }

    @Test("lookup through a node that is reached over UDP")
    func lookup() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            carrier listen -q --json --ready-file first udp://127.0.0.1:0 >/dev/null & one=$!
            until [ -s first ]; do sleep 0.02; done
            carrier listen --bootstrap "$(cat first)" --ready-file second udp://127.0.0.1:0 >/dev/null & two=$!
            until [ -s second ]; do sleep 0.02; done
            id=$(sed 's,.*//\\(.*\\)@.*,\\1,' second)
            carrier lookup --bootstrap "$(cat first)" "$id"; echo $?
            cat second
            kill $one $two
            """)
        #expect(outcome.lines.count == 3 && outcome.lines[1] == "0", "\(outcome)")
        #expect(outcome.lines[0] == outcome.lines.last, "\(outcome)")
    }

    @Test("dial --messages, in both forms, with answers of the other side's own")
    func messages() async throws {
        let node = try await node()
        try node.scratch.write("one\ntwo\nthree\n", to: "lines")
        let lines = try await node.scratch.shell("carrier dial --messages lines '\(node.address)' <lines")
        #expect(lines.code == 0, "\(lines)")
        try node.scratch.write("{\"id\":7}\n", to: "json")
        let json = try await node.scratch.shell(
            "carrier dial --messages json --opcode 1001 '\(node.address)' <json")
        #expect(json.code == 0, "\(json)")
        let long = try await node.scratch.shell(
            "head -c 2000 /dev/zero | tr '\\0' x | carrier dial --messages lines '\(node.address)'")
        #expect(long.code != 0 && long.errors.contains("at most 1171 bytes over udp://"), "\(long)")
        _ = await node.end()
        let messages = node.records.filter { $0.type == "message" }
        #expect(messages.prefix(3).map { $0["text"]?.text } == ["one", "two", "three"], "\(node.child.output)")
        #expect(messages.count == 4 && messages.last?["codec"]?.text == "msgpack", "\(node.child.output)")
    }

    @Test("a byte stream is refused with a word on why")
    func byteStream() async throws {
        let node = try await node()
        let outcome = try await node.scratch.shell("echo hello | carrier dial '\(node.address)'")
        #expect(outcome.code == 64 && outcome.output.isEmpty, "\(outcome)")
        #expect(
            outcome.errors.contains("udp:// has no byte stream: it may lose and reorder; use tcp:// or quic://"),
            "\(outcome)")
        _ = await node.end()
        for option in ["--pipe", "--echo", "--exec=cat"] {
            let listen = try await node.scratch.carrier("listen", option, "udp://127.0.0.1:0")
            #expect(listen.code == 64 && listen.errors.contains("udp:// has no byte stream"), "\(listen)")
        }
    }
}
