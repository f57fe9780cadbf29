import Foundation
import Glibc
import Testing

@Suite("decode in pipelines")
struct DecodePipelineTests {
    @Test("a ping's frames, straight from its recording")
    func recording() async throws {
        let node = try await ListeningNode()
        let scratch = try Scratch()
        let outcome = try await scratch.shell("carrier ping -q -c 1 --record - \(node.address) | carrier decode -")
        #expect(outcome.code == 0, "\(outcome)")
        #expect(outcome.lines.contains { $0.contains(" ping ") && $0.contains(" > ") }, "\(outcome)")
        #expect(outcome.lines.contains { $0.contains(" pong ") && $0.contains(" < ") }, "\(outcome)")
        _ = await node.end()
    }

    @Test("a key log is for its owner alone, grows, and is warned about on each run; - is stdout")
    func keyLog() async throws {
        let node = try await ListeningNode()
        let scratch = try Scratch()
        for count in 1...2 {
            let run = try await scratch.carrier("ping", "-q", "-c", "1", "--keylog", "keys", node.address)
            #expect(run.code == 0 && run.errors.contains("keys"), "\(run)")
            let lines = try scratch.read("keys").split(separator: "\n")
            #expect(lines.count == count && lines.allSatisfy { $0.hasPrefix("CARRIER1 ") })
        }
        #expect(try await scratch.shell("stat -c %a keys").output == "600\n")
        let run = try await scratch.carrier("ping", "-q", "-c", "1", "--keylog", "-", node.address)
        #expect(run.lines.contains { $0.hasPrefix("CARRIER1 ") }, "\(run)")
        _ = await node.end()
    }

    @Test(
        "sessions are opened while tcpdump still runs",
        .enabled(if: Permission.capture, "needs tcpdump and the right to capture"))
    func live() async throws {
        let node = try await ListeningNode()
        let scratch = try Scratch()
        let port = try #require(node.address.split(separator: ":").last)
        let watch = try scratch.startShell(
            "tcpdump -U -w - -i lo tcp port \(port) | carrier decode --keylog keys --json -")
        _ = try #require(await watch.errorLine(containing: "listening on"))
        let run = try await scratch.carrier("ping", "-q", "-c", "1", "--keylog", "keys", node.address)
        #expect(run.code == 0, "\(run)")
        let line = try #require(await watch.line { $0.contains("\"kind\":\"pong\"") })
        #expect(JSONRecord(line)?["from"]?.text == "responder")
        // The whole pipeline, as a terminal would.
        kill(-watch.pid, SIGINT)
        _ = await watch.outcome()
        _ = await node.end()
    }

    @Test("frames cut out of a log, one a line")
    func log() async throws {
        let scratch = try Scratch()
        try scratch.write(
            """
            12:00 up
            12:01 frame=040000000a00000001000000070000006a6b6c6d from=a
            12:02 frame=040000000b00000002000000070000006a6b6c6d from=b

            """, to: "node.log")
        let outcome = try await scratch.shell(
            "grep -o 'frame=[0-9a-f]*' node.log | cut -d= -f2 | carrier decode --in hex -")
        #expect(outcome.code == 0 && outcome.lines.count == 2, "\(outcome)")
        #expect(outcome.lines.first?.hasPrefix("#1 @0     20B ping ") ?? false, "\(outcome)")
    }
}
