import Glibc
import Testing

@Suite("Signals and readers")
struct SignalTests {
    @Test("a reader that goes away ends a quiet listener by SIGPIPE")
    func quietListener() async throws {
        let outcome = try await Scratch().shell(
            "carrier listen --ephemeral tcp://127.0.0.1:0 2>err | head -n 1; echo ${PIPESTATUS[@]}")
        #expect(outcome.lines.count == 2 && outcome.lines.last == "141 0", "\(outcome)")
        #expect(outcome.elapsed < .seconds(10))
    }

    @Test("the record of a stream's end is its last and says which signal it was")
    func lastRecord() async throws {
        // Kept to the end: the children work in its folder.
        let scratch = try Scratch()
        for (signal, exit, reason) in [
            (SIGINT, 130.0, "interrupted"), (SIGTERM, 143, "terminated"), (SIGHUP, 129, "hangup"),
        ] {
            let child = try scratch.start("listen", "--ephemeral", "--json", "tcp://127.0.0.1:0")
            #expect(await child.line { $0.contains("\"ready\"") } != nil)
            child.send(signal)
            let outcome = await child.outcome()
            #expect(outcome.code == -signal && outcome.elapsed < .seconds(10), "\(outcome)")
            #expect(outcome.records.count == outcome.lines.count)
            let ends = outcome.records.filter { $0.type == "end" }
            #expect(ends.count == 1 && outcome.records.last?.type == "end")
            #expect(ends.first?["exit"]?.number == exit && ends.first?["reason"]?.text == reason)
        }
        withExtendedLifetime(scratch) {}
    }

    /// A command that cannot come to an end: its reader is there and does not read.
    private func blocked(_ scratch: Scratch, then script: String) async throws -> Outcome {
        try await scratch.shell(
            """
            head -c 4000000 /dev/urandom >big; mkfifo pipe; sleep 25 <pipe & reader=$!
            carrier decode --in frames --json big >pipe & pid=$!
            # It blocks once its processor time stands still.
            before=x; now=$(cut -d' ' -f14 /proc/$pid/stat)
            until [ "$before" = "$now" ] && [ "$now" -gt 0 ]; do before=$now; sleep 0.3; now=$(cut -d' ' -f14 /proc/$pid/stat); done
            begin=$(date +%s%N); \(script); wait $pid; echo $?; echo $(( ($(date +%s%N) - begin) / 1000000 )); kill $reader
            """)
    }

    @Test("a command that cannot clean up dies of its signal two seconds later")
    func bounded() async throws {
        let outcome = try await blocked(try Scratch(), then: "kill -TERM $pid")
        let lines = outcome.lines
        #expect(lines.count == 2 && lines[0] == "143", "\(outcome)")
        let elapsed = try #require(Int(lines.last ?? ""))
        #expect((1900...6000).contains(elapsed))
    }

    @Test("the second signal ends it at once")
    func second() async throws {
        let outcome = try await blocked(try Scratch(), then: "kill -INT $pid; sleep 0.2; kill -INT $pid")
        let lines = outcome.lines
        #expect(lines.count == 2 && lines[0] == "130", "\(outcome)")
        #expect(try #require(Int(lines.last ?? "")) < 1800)
    }
}
