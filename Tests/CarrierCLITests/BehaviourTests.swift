import Glibc
import Testing

@Suite("Rules for every subcommand")
struct BehaviourTests {
    @Test("bare carrier is help on stderr and 64")
    func bare() async throws {
        let outcome = try await Scratch().carrier()
        #expect(outcome.code == 64 && outcome.output.isEmpty && outcome.errors.contains("USAGE: carrier"), "\(outcome)")
    }

    @Test("a mistyped subcommand gets the nearest name")
    func mistyped() async throws {
        let outcome = try await Scratch().carrier("kegyen", "-o", "x")
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        #expect(outcome.errors == "carrier: unknown subcommand 'kegyen'; did you mean 'keygen'?\n")
    }

    @Test(
        "wrong options are 64 with a line of carrier's, and a record where records were asked for",
        arguments: [
            ["keygen", "--bogus"], ["keygen", "--timeout", "5"], ["keygen", "--static-bits", "x"],
            ["keygen", "a", "b"],
            ["keygen", "--public", "--check"], ["--bogus"], ["help", "nonsense"], ["keygen", "--color", "blue"],
        ])
    func usage(arguments: [String]) async throws {
        let scratch = try Scratch()
        let words = arguments.joined(separator: " ")
        let plain = try await scratch.shell("carrier \(words)")
        #expect(plain.code == 64 && plain.output.isEmpty && plain.errors.hasPrefix("carrier: "), "\(plain)")
        let json = try await scratch.shell("carrier \(words) --json")
        #expect(json.code == 64 && json.lines.count == 1, "\(json)")
        #expect(json.records.first?["code"]?.text == "usage" && json.records.first?["exit"]?.number == 64)
    }

    @Test("help is on stdout, ends with the exit codes, and topics are there")
    func help() async throws {
        let scratch = try Scratch()
        for words in ["keygen --help", "help keygen", "keygen -h"] {
            let outcome = try await scratch.shell("carrier \(words)")
            #expect(outcome.code == 0 && outcome.errors.isEmpty)
            #expect(outcome.output.contains("\nEXIT CODES:\n") && outcome.lines.last?.hasPrefix("  77") == true)
        }
        for topic in ["exit-codes", "json", "addresses", "pipelines"] {
            let outcome = try await scratch.carrier("help", topic)
            #expect(outcome.code == 0 && outcome.lines.count > 5 && outcome.errors.isEmpty)
            #expect(outcome.lines.allSatisfy { $0.count <= 90 })
        }
        #expect(try await scratch.carrier("--version").output.wholeMatch(of: /carrier \d+\.\d+\.\d+\n/) != nil)
    }

    @Test("a full disk and a closed stdout are 74")
    func noRoom() async throws {
        let scratch = try Scratch()
        _ = try await scratch.carrier("keygen", "-o", "n.pem")
        for command in ["keygen --public n.pem", "keygen --json --public n.pem", "--help", "help json", "keygen -o -"] {
            for end in [">/dev/full", ">&-"] {
                let outcome = try await scratch.shell("carrier \(command) \(end)")
                #expect(outcome.code == 74 && outcome.errors.contains("stdout"), "\(command) \(end): \(outcome)")
            }
        }
    }

    @Test("a gone reader is death by SIGPIPE, also where the signal is ignored")
    func goneReader() async throws {
        let scratch = try Scratch()
        _ = try await scratch.carrier("keygen", "-o", "n.pem")
        for prefix in ["", "trap '' PIPE; "] {
            let outcome = try await scratch.shell(
                "\(prefix)mkfifo f; (carrier keygen --public n.pem; echo $? >code) >f & exec 3<f 3<&-; wait; cat code; rm f"
            )
            #expect(outcome.lines == ["141"], "\(outcome)")
        }
    }

    @Test("closed descriptors do no harm")
    func closedDescriptors() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            carrier keygen -o a.pem <&- 2>&-; echo $?
            carrier keygen -o b.pem <&- >&- 2>&-; echo $?
            carrier keygen --check a.pem <&- 2>&-; echo $?
            carrier keygen --check b.pem <&- >/dev/null 2>&-; echo $?
            carrier keygen --public - <&-; echo $?
            """)
        #expect(outcome.lines.filter { $0.count < 64 } == ["0", "74", "0", "0", "65"], "\(outcome)")
        #expect(outcome.lines.filter { $0.count == 64 }.count == 2)
    }

    @Test("signals stop a command that inherited them as ignored, as a shell's background jobs do")
    func ignoredSignals() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            trap '' INT HUP TERM
            for signal in INT HUP TERM; do
              carrier keygen --static-bits 60 -o n.pem 2>err & pid=$!
              until kill -QUIT $pid && grep -q searches err; do sleep 0.02; done
              kill -$signal $pid; wait $pid; echo $?; : >err
            done
            """)
        #expect(outcome.lines == ["130", "129", "143"], "\(outcome)")
    }

    @Test(
        "colour and progress are for a terminal only, and never where they are not wanted",
        .enabled(if: Scratch.has("script")))
    func colour() async throws {
        let scratch = try Scratch()
        func onTerminal(_ prefix: String, _ options: String = "") async throws -> String {
            try await scratch.shell(
                "\(prefix) script -qec 'carrier keygen --public none.pem \(options)' /dev/null </dev/null"
            )
            .output
        }
        #expect(try await onTerminal("").contains("\u{1b}["))
        #expect(try await !onTerminal("NO_COLOR=1").contains("\u{1b}["))
        #expect(try await !onTerminal("TERM=dumb").contains("\u{1b}["))
        #expect(try await !onTerminal("", "--color never").contains("\u{1b}["))
        #expect(try await onTerminal("NO_COLOR=1", "--color always").contains("\u{1b}["))
        let piped = try await scratch.carrier("keygen", "--public", "none.pem")
        #expect(!piped.errors.contains("\u{1b}["))
        let painted = try await scratch.carrier("keygen", "--public", "none.pem", "--color", "always")
        #expect(painted.errors.contains("\u{1b}["))

        let search = "carrier keygen --static-bits 60 -o n.pem --timeout 1200ms"
        let shown = try await scratch.shell("script -qec '\(search)' /dev/null </dev/null")
        #expect(shown.output.contains("searches would be done"), "\(shown)")
        #expect(try await !scratch.shell("script -qec '\(search) -q' /dev/null </dev/null").output.contains("searches"))
        #expect(try await !scratch.shell(search).errors.contains("searches"))
    }

    @Test("CARRIER_LOG takes the levels of its table and warns about others")
    func logLevel() async throws {
        let scratch = try Scratch()
        _ = try await scratch.carrier("keygen", "-o", "n.pem")
        for level in ["warning", "info", "debug", "trace"] {
            let outcome = try await scratch.carrier("keygen", "--public", "n.pem", environment: ["CARRIER_LOG": level])
            #expect(outcome.code == 0 && !outcome.errors.contains("warning:"), "\(outcome)")
        }
        let odd = try await scratch.carrier("keygen", "--public", "n.pem", environment: ["CARRIER_LOG": "loud"])
        #expect(odd.code == 0 && odd.errors.contains("CARRIER_LOG"))
    }
}
