import ArgumentParser
import Carrier
import CarrierTransport
import CarrierWire

/// `carrier ping`: whether nodes answer, and how fast.
struct PingCommand: CarrierCommand {
    /// How far a ping goes.
    enum Layer: String, CaseIterable, ExpressibleByArgument, Sendable { case connect, handshake, echo }
    /// What to wait for.
    enum Until: String, CaseIterable, ExpressibleByArgument, Sendable { case up, down }

    static let configuration = CommandConfiguration(
        commandName: "ping",
        abstract: "Measure how fast nodes answer.",
        discussion: """
            Opens one session a target, all side by side, and sends pings over it. With --layer connect or handshake each \
            ping is a new connection, or a new connection and handshake.
            """)
    static let exitCodes: [ExitCode] = [
        .ok, .negative, .partial, .unreachable, .auth, .refused, .lost, .deadline, .usage, .data, .noinput, .bug, .io,
        .perm,
    ]
    static let examples = [
        (line: "carrier ping -c 3 \"$A\"", about: "Three pings."),
        (line: "carrier ping --until up --timeout 30s \"$A\" && run-tests", about: "Wait for a node to come up."),
        (
            line: "carrier ping -c 3 --json - <peers | jq -r 'select(.type==\"summary\")|[.target,.loss_pct]|@tsv'",
            about: "The loss of each peer in a list."
        ),
        (line: "carrier ping -q --chart -c 60 -i 20ms \"$A\"", about: "A second at a glance."),
    ]

    @OptionGroup(title: "Common options") var common: CommonOptions
    @OptionGroup(title: "Session options") var session: SessionOptions

    @Option(name: .short, help: ArgumentHelp("How many pings to send.", valueName: "n")) var count = 5
    @Option(
        name: .customShort("i"), help: ArgumentHelp("From one ping to the next (default: 1s).", valueName: "duration"),
        transform: DurationArgument.parse)
    var interval = DurationArgument(.seconds(1))
    @Option(
        name: .customShort("W"),
        help: ArgumentHelp("How long to wait for an answer (default: 2s).", valueName: "duration"),
        transform: DurationArgument.parse)
    var wait = DurationArgument(.seconds(2))
    @Option(
        name: .short, help: ArgumentHelp("Bytes of payload (default: 32).", valueName: "bytes"),
        transform: SizeArgument.parse)
    var size = SizeArgument(32)
    @Option(name: .long, help: ArgumentHelp("How far a ping goes: connect, handshake or echo.", valueName: "layer"))
    var layer = Layer.echo
    @Option(name: .long, help: ArgumentHelp("Go on until the target is up, or down.", valueName: "state"))
    var until: Until?
    @Option(name: .long, help: ArgumentHelp("Exit 1 when more is lost.", valueName: "percent")) var maxLoss: Double?
    @Option(
        name: .long, help: ArgumentHelp("Exit 1 when the average round trip is longer.", valueName: "duration"),
        transform: DurationArgument.parse)
    var maxRtt: DurationArgument?
    @Flag(name: .long, help: "Show the course of the round trips as bars, at the end.") var chart = false
    @Argument(
        help: ArgumentHelp(
            "Whom to ping: SCHEME://[PEERID@]HOST:PORT, a public key to be looked up, or - for a list on stdin.",
            valueName: "address"),
        completion: KnownPeers.targets)
    var targets: [String]

    func validate() throws {
        if count < 1 { throw ValidationError("-c expects at least 1, got \(count)") }
        if size.bytes > 1 << 20 { throw ValidationError("-s expects at most 1MiB, got \(size)") }
        if let maxLoss, !(0...100).contains(maxLoss) {
            throw ValidationError("--max-loss expects 0 to 100 percent, got \(maxLoss)")
        }
        for target in targets where target != "-" {
            do { _ = try DialTarget(target) } catch { throw ValidationError("\(error)") }
        }
        if targets.count(where: { $0 == "-" }) > 1 { throw ValidationError("stdin can be read once; write - once") }
    }

    func perform(_ console: Console) async throws -> ExitCode {
        let targets = try readTargets()
        if layer != .echo, targets.contains(where: \.isPeer) {
            throw Failure(
                .usage, "--layer \(layer.rawValue) expects addresses, got a public key; carrier lookup finds them")
        }
        let settings = PingRun.Settings(
            count: count, interval: interval.duration, wait: wait.duration, size: size.bytes, layer: layer,
            until: until, maxLoss: maxLoss, maxRTT: maxRtt?.duration, isQuiet: common.quiet,
            showsChart: chart)
        return try await session.withNode(console, bootstrap: session.bootstrapPeers(for: targets)) { node in
            let codes = await withTaskGroup(of: ExitCode.self) { group in
                for target in targets {
                    group.addTask(executorPreference: node.executor) {
                        await PingRun(target, settings, session, node, console).run()
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            return ExitCode.combined(codes)
        }
    }

    private func readTargets() throws -> [DialTarget] {
        var lines: [String] = []
        for target in targets {
            if target == "-" { lines += try TextFile.lines(of: "-") } else { lines.append(target) }
        }
        guard !lines.isEmpty else { throw Failure(.data, target: "stdin", "expected addresses, one a line, got none") }
        return try lines.map { line in
            do { return try DialTarget(line) } catch { throw Failure(.data, target: "stdin", "\(error)") }
        }
    }
}
