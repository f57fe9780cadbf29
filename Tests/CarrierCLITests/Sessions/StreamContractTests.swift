import Foundation
import Testing

/// The rules of cli.md for byte streams, each on both transports that carry one, with the real binary.
@Suite("Byte streams between dial and listen", .serialized)
struct StreamContractTests {
    #if QUIC
        static let schemes = ["tcp", "quic"]
    #else
        static let schemes = ["tcp"]
    #endif

    private func node(_ scheme: String, _ options: String...) async throws -> ListeningNode {
        try await ListeningNode(options, on: "\(scheme)://127.0.0.1:0")
    }

    @Test("end of stdin: it goes on receiving until the peer ends", arguments: schemes)
    func endOfInput(over scheme: String) async throws {
        let node = try await node(scheme, "--exec", "cat; sleep 0.5; echo afterwards")
        let outcome = try await node.scratch.shell("printf 'one\\ntwo\\n' | carrier dial '\(node.address)'")
        #expect(outcome.code == 0 && outcome.lines == ["one", "two", "afterwards"], "\(outcome)")
        _ = await node.end()
    }

    @Test("an answer that comes while an ack waits to be sent is not forgotten", arguments: schemes)
    func answers(over scheme: String) async throws {
        let node = try await node(scheme, "--exec", "cat")
        let script = "for i in $(seq 40); do echo $i | timeout 10 carrier dial '\(node.address)' || break; done"
        let outcome = try await node.scratch.shell(script)
        #expect(outcome.code == 0 && outcome.lines == (1...40).map { "\($0)" }, "\(outcome)")
        _ = await node.end()
    }

    @Test("end of stdin with --linger: it receives for that time only", arguments: schemes)
    func linger(over scheme: String) async throws {
        let node = try await node(scheme, "--exec", "cat; sleep 60; echo too late")
        let outcome = try await node.scratch.shell("echo one | carrier dial --linger 300ms '\(node.address)'")
        #expect(outcome.code == 0 && outcome.lines == ["one"] && outcome.elapsed < .seconds(5), "\(outcome)")
        _ = await node.end()
    }

    @Test("the peer ends its stream: everything is written out, even if stdin is open", arguments: schemes)
    func peerEnds(over scheme: String) async throws {
        let node = try await node(scheme, "--exec", "seq 200000")
        let dial = try node.scratch.start("dial", node.address, input: true)
        let outcome = await dial.outcome()
        #expect(
            outcome.code == 0 && outcome.lines == (1...200_000).map(String.init), "\(outcome.code) \(outcome.errors)")
        _ = await node.end()
    }

    @Test("both ways at once, equal to the byte", arguments: schemes)
    func bothWays(over scheme: String) async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            head -c 40000000 /dev/urandom >a; head -c 30000000 /dev/urandom >b
            carrier listen --pipe --ready-file ready \(scheme)://127.0.0.1:0 <a >b2 & listen=$!
            until [ -s ready ]; do sleep 0.02; done
            carrier dial "$(cat ready)" <b >a2; echo $?
            wait $listen; echo $?
            cmp a a2 && cmp b b2 && echo same
            """, limit: .seconds(60))
        #expect(outcome.lines == ["0", "0", "same"], "\(outcome)")
    }

    @Test("a peer that is killed is 6, after what came was written out", arguments: schemes)
    func killed(over scheme: String) async throws {
        let node = try await node(scheme, "--exec", "echo the beginning; sleep 60")
        let dial = try node.scratch.start("dial", node.address, input: true)
        #expect(await dial.line() == "the beginning")
        node.child.send(SIGKILL)
        let outcome = await dial.outcome()
        #expect(outcome.code == 6 && outcome.output == "the beginning\n", "\(outcome)")
        #expect(outcome.errors.contains("data may be short") && outcome.elapsed < .seconds(10), "\(outcome)")
    }

    @Test("an input that fails in the middle is no end: both sides say that it is not all")
    func failedInput() async throws {
        let node = try await node("tcp", "--pipe")
        try node.scratch.write(
            """
            import socket, struct, subprocess, sys, time
            listener = socket.create_server(("127.0.0.1", 0))
            near = socket.create_connection(listener.getsockname())
            far, _ = listener.accept()
            dial = subprocess.Popen(["carrier", "dial", sys.argv[1]], stdin=near)
            near.close()
            far.sendall(b"the beginning\\n")
            time.sleep(1)
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            far.close()
            print(dial.wait(20))
            """, to: "reset.py")
        async let line = node.child.line { $0 == "the beginning" }
        let dial = try await node.scratch.shell("python3 reset.py '\(node.address)'", limit: .seconds(40))
        #expect(dial.lines.count == 1 && dial.lines != ["0"], "\(dial)")
        #expect(dial.errors.contains("reset by peer"), "\(dial)")
        #expect(await line != nil)
        let outcome = await node.child.outcome()
        #expect(outcome.code == 6 && outcome.errors.contains("data may be short"), "\(outcome)")
    }

    // The reader of what is dialled sleeps for longer than an input may be quiet.
    @Test(
        "what waits is sent to its end although the peer has ended its stream", arguments: schemes,
        ["<big", "< <(cat big)"])
    func heldInput(over scheme: String, input: String) async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            head -c 30000000 /dev/zero >big
            { printf hello; sleep 0.3; } | carrier listen --pipe --ready-file ready \(scheme)://127.0.0.1:0 2>log |
              { sleep 2; wc -c; } >count & listen=$!
            until [ -s ready ]; do sleep 0.02; done
            carrier dial "$(cat ready)" \(input) >hello; echo $?
            wait $listen; cat count hello
            """, limit: .seconds(60))
        #expect(outcome.lines == ["0", "30000000", "hello"], "\(outcome)")
    }

    @Test("a dialler that is killed is 6 for listen --pipe too", arguments: schemes)
    func dialerKilled(over scheme: String) async throws {
        let node = try await node(scheme, "--pipe")
        let dial = try node.scratch.start("dial", node.address, input: true)
        dial.write("the beginning\n")
        #expect(await node.child.line { $0 == "the beginning" } != nil)
        dial.send(SIGKILL)
        // Nobody tells a UDP socket that the other one is gone: that takes until the keep-alive is not answered.
        let outcome = await node.child.outcome()
        #expect(outcome.code == 6 && outcome.errors.contains("data may be short"), "\(outcome)")
    }

    @Test("a child of --exec gets its two pipes and stderr, none of the node's sockets")
    func descriptorsOfChild() async throws {
        let node = try await node("tcp", "--exec", "ls /proc/self/fd")
        let outcome = try await node.scratch.carrier("dial", "--recv-only", node.address)
        // The fourth is the directory that ls reads.
        #expect(outcome.lines == ["0", "1", "2", "3"], "\(outcome)")
        _ = await node.end()
    }

    // Less than lies in a pipe, and more: the rest waits in the node, which is not full yet and hears that the peer is gone.
    @Test("what a child of --exec leaves unread is lost, which is said, and nothing stays", arguments: [10, 600_000])
    func unreadByChild(size: Int) async throws {
        // Another process, out of reach of what ends the child, keeps the pipe open.
        let node = try await node("tcp", "--exec", "exec 3<&0; setsid sleep 50 <&3 & echo $! >other; exec sleep 50")
        let before = try node.figures()
        let dial = try node.scratch.startShell(
            "{ head -c \(size) /dev/zero; sleep 50; } | exec carrier dial '\(node.address)'")
        #expect(await node.child.line { $0.contains("\"up\"") } != nil)
        try await Task.sleep(for: .seconds(1))
        let threads = try node.threads
        _ = try await node.scratch.shell("pkill -KILL -P \(dial.pid) -x carrier")
        let warning = try #require(await node.child.errorLine(containing: "are lost"))
        #expect(warning.contains("\(size) of \(size) bytes are lost, the command did not read them"), "\(warning)")
        // A loop opens its timer when it first needs it.
        let isClean = try await node.becomes { $0.descriptors <= before.descriptors + 1 }
        let after = try node.figures()
        #expect(isClean, "\(before), \(after)")
        #expect(try node.threads < threads)
        _ = try await node.scratch.shell("kill $(cat other)")
        _ = await node.end()
    }

    // A peer that goes on sending keeps the pipe full, or has ended its stream before.
    @Test(
        "what a child of --exec has not read when it dies, or closes its stdin, is lost, which is said",
        arguments: ["read first; kill -KILL $$", "exec <&-; sleep 3; exit 1", "sleep 3; exit 3"],
        [":", "sleep 20"])
    func dyingChild(_ command: String, after: String) async throws {
        let node = try await node("tcp", "--exec", command)
        let size = command.hasPrefix("read") ? 8 : 10
        let dial = try node.scratch.startShell(
            "{ sleep 1.5; printf '1\\n3456789\\n' >ten; cat ten; \(after); } | exec carrier dial '\(node.address)'")
        let warning = try #require(await node.child.errorLine(containing: "are lost"))
        #expect(warning.contains("\(size) of 10 bytes are lost, the command did not read them"), "\(warning)")
        dial.send(SIGKILL)
        _ = await dial.outcome()
        _ = await node.end()
    }

    @Test("a child of --exec whose peer is gone may go on writing, which goes nowhere")
    func writingChild() async throws {
        let node = try await node(
            "tcp", "--exec", "while read -r line; do echo $line; echo $line >>all; sleep 0.1; done; mv all whole")
        let outcome = try await node.scratch.shell("seq 30 >a; carrier dial --send-only '\(node.address)' <a")
        #expect(outcome.code == 0 && outcome.elapsed < .seconds(2), "\(outcome)")
        let whole = try await node.scratch.shell("until [ -e whole ]; do sleep 0.05; done; cmp a whole")
        #expect(whole.code == 0 && whole.elapsed > .seconds(2), "\(whole)")
        #expect(await node.end().errors.contains("lost") == false)
    }

    @Test("of the children of --exec whose peers are gone 32 may go on; one more ends the oldest")
    func survivingChildren() async throws {
        let slow = "echo $$ >>children; for n in $(seq 200); do head -c 1 >/dev/null; sleep 0.5; done"
        let node = try await node("tcp", "--exec", slow)
        let outcome = try await node.scratch.shell(
            """
            for n in $(seq 35); do seq 100 | carrier dial --send-only '\(node.address)' || exit; done
            alive() { for child in $(cat children); do kill -0 $child 2>&- && echo $child; done; }
            until [ $(alive | wc -l) -le 32 ]; do sleep 0.05; done
            [ "$(alive)" = "$(tail -n 32 children)" ] && echo latest
            for child in $(cat children); do kill -KILL -$child 2>&-; done
            """, limit: .seconds(60))
        #expect(outcome.lines == ["latest"], "\(outcome)")
        let errors = await node.end().errors
        #expect(errors.contains("more than 32 commands go on whose peers are gone"), "\(errors)")
        #expect(errors.contains("of 292 bytes are lost"), "\(errors)")
    }

    @Test("a child of --exec that reads slowly gets everything, long after its peer has gone", arguments: schemes)
    func slowChild(over scheme: String) async throws {
        let slow = "while head -c 60000 >part && [ -s part ]; do cat part >>all; sleep 0.5; done; mv all whole"
        let node = try await node(scheme, "--exec", slow)
        let outcome = try await node.scratch.shell(
            "head -c 600000 /dev/urandom >a; carrier dial --send-only '\(node.address)' <a")
        #expect(outcome.code == 0 && outcome.elapsed < .seconds(3), "\(outcome)")
        let whole = try await node.scratch.shell("until [ -e whole ]; do sleep 0.05; done; cmp a whole")
        #expect(whole.code == 0 && whole.elapsed > .seconds(2), "\(whole)")
        #expect(await node.end().errors.contains("lost") == false)
    }

    @Test("--recv-only never opens stdin", arguments: schemes)
    func receiveOnly(over scheme: String) async throws {
        let node = try await node(scheme, "--exec", "echo hello")
        let outcome = try await node.scratch.shell(
            "printf 'not for you\\n' | { carrier dial --recv-only '\(node.address)'; cat; }")
        #expect(outcome.code == 0 && outcome.lines == ["hello", "not for you"], "\(outcome)")
        _ = await node.end()
    }

    @Test("--send-only ends when the peer has acknowledged the last byte", arguments: schemes)
    func sendOnly(over scheme: String) async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            head -c 20000000 /dev/urandom >a
            carrier listen --pipe --ready-file ready \(scheme)://127.0.0.1:0 >a2 & listen=$!
            until [ -s ready ]; do sleep 0.02; done
            carrier dial --send-only "$(cat ready)" <a; echo $?
            cmp a a2 && echo same
            wait $listen; echo $?
            """, limit: .seconds(60))
        #expect(outcome.lines == ["0", "same", "0"], "\(outcome)")
    }

    @Test("a slow reader holds the sender back: memory is bounded on both sides", arguments: schemes)
    func slowReader(over scheme: String) async throws {
        let scratch = try Scratch()
        let listen = try scratch.startShell(
            "exec carrier listen --pipe --ready-file ready \(scheme)://127.0.0.1:0 > >(sleep 3; sha256sum >sum)",
            limit: .seconds(60))
        let dial = try scratch.startShell(
            """
            until [ -s ready ]; do sleep 0.02; done
            head -c 300000000 /dev/zero >zeros; exec carrier dial --send-only "$(cat ready)" <zeros
            """, limit: .seconds(60))
        try await Task.sleep(for: .seconds(2))
        let figures = [try Figures(of: listen.pid), try Figures(of: dial.pid)]
        #expect(figures.allSatisfy { $0.peak < 96 }, "\(figures)")
        #expect(await dial.outcome().code == 0)
        #expect(await listen.outcome().code == 0)
        let sum = try await scratch.shell("sha256sum <zeros; until [ -s sum ]; do sleep 0.02; done; cat sum")
        #expect(sum.lines.count == 2 && sum.lines[0] == sum.lines[1], "\(sum)")
    }

    @Test("a reader that is gone is death by SIGPIPE, and the other side's child ends", arguments: schemes)
    func readerGone(over scheme: String) async throws {
        let node = try await node(scheme, "--exec", "echo $$ >child; exec yes")
        let outcome = try await node.scratch.shell(
            "(carrier dial --recv-only '\(node.address)'; echo $? >&2) | head -n 1")
        #expect(outcome.lines == ["y"] && outcome.errors.hasSuffix("141\n"), "\(outcome)")
        let gone = try await node.scratch.shell("while kill -0 $(cat child) 2>/dev/null; do sleep 0.05; done")
        #expect(gone.code == 0, "\(gone)")
        _ = await node.end()
    }

    @Test("-z shakes hands and says how long it took", arguments: schemes + ["udp"])
    func handshakeOnly(over scheme: String) async throws {
        let node = try await node(scheme)
        let outcome = try await node.scratch.carrier("dial", "-z", node.address)
        let expected = try Regex("ok \(node.address) connect [0-9.]+ms handshake [0-9.]+ms\n")
        #expect(outcome.code == 0 && outcome.output.wholeMatch(of: expected) != nil, "\(outcome)")
        _ = await node.end()
    }

    @Test("two hundred transfers in a row, none of which stalls", arguments: schemes)
    func transfers(over scheme: String) async throws {
        let node = try await node(scheme, "--echo")
        let outcome = try await node.scratch.shell(
            """
            head -c 1000000 /dev/urandom >a
            for n in $(seq 200); do carrier dial '\(node.address)' <a | cmp - a || exit; done; echo all
            """, limit: .seconds(100))
        #expect(outcome.code == 0 && outcome.lines == ["all"], "\(outcome)")
        _ = await node.end()
    }
}
