import Foundation
import Testing

/// Who reads what `listen` prints, and stops reading.
@Suite("A reader of listen's stdout that stops", .serialized)
struct ListenOutputTests {
    /// Starts `listen` into a pipe that is read from when the file `go` is there, and messages to it that are far more than fit.
    private func stalled(_ scratch: Scratch, _ options: String = "") async throws -> (
        listen: Child, dial: Child, address: String
    ) {
        let listen = try scratch.startShell(
            """
            (echo $BASHPID >pid; exec carrier listen --json \(options) --ready-file ready tcp://127.0.0.1:0) | {
                until [ -e go ]; do sleep 0.02; done
                jq -r 'select(.type == "message").text' >messages
            }
            """, limit: .seconds(90))
        let dial = try scratch.startShell(
            """
            seq 8000 | awk '{ printf "%d %0600d\\n", $1, 0 }' >lines
            until [ -s ready ]; do sleep 0.02; done
            exec carrier dial --messages lines "$(cat ready)" <lines
            """, limit: .seconds(90))
        // Held back: nothing more is taken.
        let address = try await scratch.shell("until [ -s ready ]; do sleep 0.02; done; cat ready").lines[0]
        try await Task.sleep(for: .seconds(4))
        return (listen, dial, address)
    }

    @Test("holds back who sends, and nobody else; nothing is lost once it goes on", .enabled(if: Scratch.has("jq")))
    func goesOn() async throws {
        let scratch = try Scratch()
        let (listen, dial, address) = try await stalled(scratch)
        let pid = try #require(pid_t(try scratch.read("pid").dropLast()))
        let held = try Figures(of: dial.pid)
        let ping = try await scratch.carrier("ping", "--json", "-c", "20", "-i", "20ms", address)
        let summary = ping.records.last { $0.type == "summary" }
        #expect(ping.code == 0 && summary?["rtt_ms"]?.object?["max"]?.number ?? .infinity < 50, "\(ping)")
        let later = try Figures(of: dial.pid)
        #expect(later.processor - held.processor < 0.1, "who sends is not held back: \(held), \(later)")
        #expect(try Figures(of: pid).peak < 96)
        try scratch.write("", to: "go")
        #expect(await dial.outcome().code == 0)
        kill(pid, SIGTERM)
        _ = await listen.outcome()
        let same = try await scratch.shell("cmp lines messages && echo same")
        #expect(same.lines == ["same"], "\(same)")
    }

    @Test("does not keep sessions from being served and counted", .enabled(if: Scratch.has("jq")))
    func serves() async throws {
        let scratch = try Scratch()
        let (listen, dial, address) = try await stalled(scratch, "--exec cat --count 3")
        for number in 1...3 {
            let answer = try await scratch.shell("echo \(number) | timeout 5 carrier dial '\(address)'")
            #expect(answer.code == 0 && answer.lines == ["\(number)"], "\(answer)")
        }
        // Three were enough: it ends once what it has to say is read.
        _ = await dial.outcome()
        try scratch.write("", to: "go")
        #expect(await listen.outcome().code == 0)
    }

    @Test("does not keep it from ending")
    func ends() async throws {
        let scratch = try Scratch()
        let (listen, dial, _) = try await stalled(scratch)
        let pid = try #require(pid_t(try scratch.read("pid").dropLast()))
        kill(pid, SIGTERM)
        let gone = try await scratch.shell("while kill -0 \(pid) 2>/dev/null; do sleep 0.02; done", limit: .seconds(10))
        #expect(gone.code == 0 && gone.elapsed < .seconds(4), "\(gone)")
        // What was not taken its sender knows.
        let outcome = await dial.outcome()
        #expect(outcome.code == 6, "\(outcome)")
        listen.send(SIGKILL)
        _ = await listen.outcome()
    }
}
