import ArgumentParser
import Carrier
import NIOCore

/// `carrier broadcast`: tells everyone in the overlay.
struct BroadcastCommand: CarrierCommand {
    /// How stdin and files become messages.
    enum Frames: String, CaseIterable, ExpressibleByArgument, Sendable { case lines, whole, len32 }

    static let configuration = CommandConfiguration(
        commandName: "broadcast",
        abstract: "Send messages to everyone in the overlay.",
        discussion: """
            Joins as a client through the bootstrap peers, sends each message down the delegation tree and prints how far \
            it went, once the report is in.
            """)
    static let exitCodes: [ExitCode] = [
        .ok, .negative, .partial, .unreachable, .auth, .refused, .deadline, .usage, .data, .noinput, .bug, .io, .perm,
    ]
    static let examples = [
        (line: "tail -n3 app.log | carrier broadcast -", about: "A message a line."),
        (line: "carrier broadcast --frames whole notice.txt", about: "A file as one message."),
        (line: "echo hello | carrier broadcast --dot | dot -Tsvg >tree.svg", about: "A picture of who passed it on."),
    ]

    @OptionGroup(title: "Common options") var common: CommonOptions
    @OptionGroup(title: "Session options") var session: SessionOptions

    @Option(name: .long, help: ArgumentHelp("What a message is: lines, whole or len32.", valueName: "form"))
    var frames = Frames.lines
    @Option(
        name: .long, help: ArgumentHelp("The application's opcode (default: 1000).", valueName: "n"),
        transform: OpcodeArgument.parse)
    var opcode = OpcodeArgument(1000)
    @Option(
        name: .long,
        help: ArgumentHelp("How the messages are encoded: bytes, msgpack or protobuf.", valueName: "codec"),
        completion: .list(["bytes", "msgpack", "protobuf"]), transform: CodecArgument.parse)
    var codec = Codec.bytes
    @Option(name: .long, help: ArgumentHelp("Exit 1 when fewer delegates acknowledge.", valueName: "n")) var minPeers =
        1
    @Option(name: .long, help: ArgumentHelp("Delegates in each bucket.", valueName: "n")) var redundancy = 1
    @Option(
        name: .long,
        help: ArgumentHelp("How long to wait for the report; 0s for none (default: 10s).", valueName: "duration"),
        transform: DurationArgument.parse)
    var report = DurationArgument(.seconds(10))
    @Flag(
        name: .long,
        help: """
            Print the delegation tree of each message as a Graphviz graph instead, as far as this node knows it: its \
            delegates, and what each reports of the nodes below. For dot -Tsvg.
            """)
    var dot = false
    @Argument(help: ArgumentHelp("Files to send, - for stdin (default).", valueName: "file"), completion: .file())
    var files: [String] = []

    func validate() throws {
        if !(1...8).contains(redundancy) { throw ValidationError("--redundancy expects 1 to 8, got \(redundancy)") }
        if dot && common.json { throw ValidationError("--dot and --json both say what stdout carries; leave one out") }
        if minPeers < 0 { throw ValidationError("--min-peers expects 0 or more, got \(minPeers)") }
    }

    func perform(_ console: Console) async throws -> ExitCode {
        let bootstrap = try session.neededBootstrapPeers()
        return try await session.withNode(console, bootstrap: bootstrap) { node in
            try await node.joined(settled: true)
            var codes: [ExitCode] = []
            for file in files.isEmpty ? ["-"] : files {
                let messages = try MessageReader(file, frames, limit: BroadcastConfiguration().messageLimit)
                while let message = try await messages.next() {
                    codes.append(try await send(message, node, console))
                }
            }
            guard !codes.isEmpty else { throw Failure(.data, "expected at least one message, got none") }
            return ExitCode.combined(codes)
        }
    }

    private func send(_ message: ByteBuffer, _ node: Node, _ console: Console) async throws -> ExitCode {
        var options = BroadcastOptions()
        options.redundancy = redundancy
        options.reportTimeout = report.duration
        let outcome = try await node.broadcast(message, opcode: Opcode(opcode.opcode), codec: codec, options)
        let record = SentRecord(outcome: outcome, bytes: message.readableBytes)
        if dot { console.output.line(record.graph.text) } else { console.output.emit(record) }
        return outcome.acknowledged >= minPeers ? .ok : .negative
    }
}

/// A codec on the command line. For `transform:`.
enum CodecArgument {
    static func parse(_ text: String) throws(ArgumentProblem) -> Codec {
        guard let codec = Codec(name: text) else { throw ArgumentProblem("expected bytes, msgpack or protobuf") }
        return codec
    }
}

extension BroadcastError: ExitCoded {
    var exitCode: ExitCode {
        switch self {
        case .notAnApplicationOpcode: .usage
        case .tooLong: .data
        case .queueFull: .refused
        case .unsigned: .bug
        }
    }
}

extension JoinError: ExitCoded {
    var exitCode: ExitCode { .unreachable }
}
