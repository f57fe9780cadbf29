import Testing

@Suite("What is documented")
struct DocumentedTests {
    @Test("the sessions of the README run, and print what they show there", .enabled(if: Scratch.has("jq"), "needs jq"))
    func readme() async throws {
        let outcome = try await Scratch().shell(
            "CARRIER=\"$(command -v carrier)\" '\(Scratch.package)/Scripts/transcripts'", limit: .seconds(90))
        #expect(outcome.code == 0, "\(outcome)")
    }

    @Test(
        "every command of the man pages, of help pipelines and of the README does what it says",
        .enabled(
            if: Scratch.has("jq") && Scratch.has("openssl") && Scratch.has("mandoc"), "needs jq, openssl and mandoc"))
    func manual() async throws {
        let outcome = try await Scratch().shell(
            "CARRIER=\"$(command -v carrier)\" '\(Scratch.package)/Scripts/documented'", limit: .seconds(180))
        #expect(outcome.code == 0, "\(outcome)")
    }

    @Test(
        "every public symbol has a comment, and DocC finds nothing to say about them and the articles",
        .enabled(if: Scratch.has("docc") && Scratch.has("jq"), "needs docc and jq"))
    func library() async throws {
        let outcome = try await Scratch().shell(
            "MODULES='\(Scratch.binaries)/Modules' '\(Scratch.package)/Scripts/docs' --check", limit: .seconds(90))
        #expect(outcome.code == 0, "\(outcome)")
    }

    @Test("what is installed is what is taken away again")
    func uninstall() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            binary=$(command -v carrier)
            run() { make -s -C '\(Scratch.package)' -o "$binary" "$@" BINARY="$binary" DESTDIR="$PWD/a root" PREFIX=/opt/x; }
            run install && "a root/opt/x/bin/carrier" --version && ls "a root/opt/x/share/man/man7/carrier-wire.7"
            grep -q 'ExecStart=/opt/x/bin/carrier listen' "a root/opt/x/lib/systemd/system/carrier.service"
            run uninstall && find "a root" -type f | wc -l
            """)
        #expect(outcome.code == 0 && outcome.lines.last == "0", "\(outcome)")
    }

    @Test("a service manager is told when the node listens", .enabled(if: Scratch.has("python3"), "needs python3"))
    func notifies() async throws {
        let outcome = try await Scratch().shell(
            """
            python3 - <<'END'
            import os, socket, subprocess
            manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            manager.bind("manager")
            manager.settimeout(20)
            node = subprocess.Popen(
                ["carrier", "listen", "--ephemeral", "tcp://127.0.0.1:0"], stdout=subprocess.PIPE,
                env=dict(os.environ, NOTIFY_SOCKET=os.path.abspath("manager")))
            print(manager.recv(100).decode())
            node.terminate()
            node.wait()
            END
            """)
        #expect(outcome.lines == ["READY=1"], "\(outcome)")
    }

    @Test("a reader that has all it wants does not spoil the end of a stream")
    func tar() async throws {
        let outcome = try await Scratch().shell(
            """
            mkdir here there; date >here/now; mkfifo ready
            for turn in 1 2 3 4 5 6 7 8; do
              carrier listen --ephemeral --pipe -q --ready-file ready tcp://127.0.0.1:0 | tar xf - -C there & receiver=$!
              read -r address <ready
              tar cf - here | carrier dial --ephemeral -q --send-only "$address" || exit 1
              wait $receiver || exit 2
            done
            cmp here/now there/here/now
            """)
        #expect(outcome.code == 0, "\(outcome)")
    }
}
