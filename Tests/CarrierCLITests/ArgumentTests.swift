import Testing

@testable import CarrierCLI

@Suite("Arguments")
struct ArgumentTests {
    @Test(
        "durations carry their unit",
        arguments: [
            ("500ms", Duration.milliseconds(500)), ("5s", .seconds(5)), ("1h30m", .seconds(5400)), ("0s", .zero),
            ("1.5s", .milliseconds(1500)), ("250us", .microseconds(250)), ("2m3s4ms", .milliseconds(123_004)),
            ("1d", .seconds(86400)), ("10ns", .nanoseconds(10)),
        ])
    func durations(text: String, expected: Duration) throws {
        #expect(try DurationArgument.parse(text).duration == expected)
    }

    @Test(
        "a bare number is refused with a hint, and so is everything else that is no duration",
        arguments: [
            "5", "0", "1.5", "", "s", "5x", "-5s", "5s5", "5m5m", "5s5m", "1e3s", "٣s", "999999d", "5 s", "nan s",
        ])
    func noDurations(text: String) {
        let problem = #expect(throws: ArgumentProblem.self) { try DurationArgument.parse(text) }
        if text == "5" { #expect(problem?.description.contains("5s") == true) }
    }

    @Test("a duration prints as it is written", arguments: ["1h30m", "5s", "500ms", "1d", "0s", "1s250ms", "3us"])
    func durationsPrint(text: String) throws {
        #expect(try DurationArgument.parse(text).description == text)
    }

    @Test(
        "sizes are bytes, decimal or binary",
        arguments: [("512", 512), ("64KiB", 65536), ("1MB", 1_000_000), ("2GiB", 2 << 30), ("7B", 7), ("3kB", 3000)])
    func sizes(text: String, expected: Int) throws {
        #expect(try SizeArgument.parse(text).bytes == expected)
    }

    @Test("what is no size is refused", arguments: ["", "KiB", "1.5MB", "-1", "1Mb", "99999999999TiB", "5 MB", "0x10"])
    func noSizes(text: String) {
        #expect(throws: ArgumentProblem.self) { try SizeArgument.parse(text) }
    }

    @Test("opcodes begin where carrier's own end")
    func opcodes() throws {
        #expect(try OpcodeArgument.parse("1000").opcode == 1000)
        #expect(try OpcodeArgument.parse("0x1000").opcode == 4096)
        for text in ["999", "0", "-1", "", "4294967296", "x"] {
            #expect(throws: ArgumentProblem.self) { try OpcodeArgument.parse(text) }
        }
    }

    @Test("several targets make one exit code")
    func combinedCodes() {
        #expect(ExitCode.combined([]) == .ok)
        #expect(ExitCode.combined([.ok, .ok]) == .ok)
        #expect(ExitCode.combined([.ok, .unreachable]) == .partial)
        #expect(ExitCode.combined([.unreachable, .unreachable]) == .unreachable)
        #expect(ExitCode.combined([.unreachable, .auth]) == .negative)
        #expect(ExitCode.combined([.partial, .auth]) == .partial)
    }

    @Test("a mistyped name finds the nearest, and nonsense finds none")
    func nearestNames() {
        let names = ["keygen", "listen", "dial", "ping", "lookup", "broadcast", "nat-map", "decode"]
        for (typed, meant) in [
            ("pign", "ping"), ("pingg", "ping"), ("natmap", "nat-map"), ("keygne", "keygen"), ("look", "lookup"),
            ("decoder", "decode"), ("boradcast", "broadcast"), ("lsiten", "listen"),
        ] {
            #expect(NearestName.of(typed, among: names) == meant)
        }
        #expect(NearestName.of("xyzzyxyzzy", among: names) == nil)
        #expect(NearestName.of("", among: names) == nil)
    }
}
