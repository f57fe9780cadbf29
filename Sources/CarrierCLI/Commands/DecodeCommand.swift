import ArgumentParser
import CarrierCapture
import Glibc

/// `carrier decode`: shows what is on the wire.
struct DecodeCommand: CarrierCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Show the frames in a recording, a capture or a dump.",
        discussion: """
            Reads plain frames, hex or base64 text (the columns of xxd and hexdump -C too), pcap and pcapng files, from \
            tcpdump -w - as they grow too, and its own JSON. TCP streams are put back together, datagrams of udp:// go to \
            their sessions. With a key log sessions are opened; without one their handshakes and the sizes of their \
            records are shown. Of QUIC, which TLS seals, a capture shows only how much there is: use --record.

            It never stops at bytes that are no frame: it reports a gap with its offset and length and goes on at the \
            next plausible frame. With --json frames, gaps and containers together are the input: --encode gives it back.
            """)

    static let exitCodes: [ExitCode] = [
        .ok, .negative, .partial, .auth, .deadline, .usage, .data, .noinput, .bug, .io,
    ]
    static let examples = [
        (line: "carrier ping -q -c 1 --record - \"$A\" | carrier decode -", about: "Look at a ping's frames."),
        (
            line: "tcpdump -U -w - -i lo tcp port \"$P\" | carrier decode --keylog keys --json -",
            about: "Open sessions while they run."
        ),
        (line: "carrier decode --json cap | carrier decode --encode | cmp - cap", about: "There and back."),
        (line: "carrier decode --only gap --strict dump", about: "Fail where there is anything but frames."),
    ]

    @OptionGroup(title: "Common options") var common: CommonOptions

    @Option(name: .customLong("in"), help: ArgumentHelp("What the input is.", valueName: "form"))
    var form: Form = .auto

    @Option(
        name: .long, help: ArgumentHelp("Open sessions with the keys in this file.", valueName: "file"),
        completion: .file())
    var keylog: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Show only these: names like ping, opcode numbers, layers, gap.", valueName: "name,…"),
        completion: .list(KindFilter.known), transform: KindFilter.parse)
    var only: KindFilter?

    @Flag(name: .long, help: "Check signatures and puzzles; a failed check is exit code 4.")
    var verify = false

    @Flag(name: .long, help: "Show only how many there are of each kind, at the end.")
    var stats = false

    @Flag(name: .long, help: "Show the bodies of frames too.")
    var payload = false

    @Flag(name: .long, help: "End at the first gap or malformed frame, with exit code 65.")
    var strict = false

    @Flag(name: .long, help: "Read JSON Lines of decode --json and write the bytes they were made from.")
    var encode = false

    @Argument(
        help: ArgumentHelp("Files to read; - is stdin, also when there are none.", valueName: "file"),
        completion: .file())
    var files: [String] = []

    /// The forms of `--in`.
    enum Form: String, CaseIterable, ExpressibleByArgument {
        case auto, frames, hex, base64, pcap, json

        var form: InputForm? { InputForm(rawValue: rawValue) }
    }

    var endsWithRecord: Bool { !encode }

    func validate() throws {
        if encode {
            if common.json { throw ValidationError("--encode writes bytes, not JSON; leave --json out") }
            if form != .auto && form != .json { throw ValidationError("--encode reads JSON; leave --in out") }
            if stats || payload || verify || only != nil || keylog != nil {
                throw ValidationError(
                    "--encode shows nothing; leave --stats, --payload, --verify, --only, --keylog out")
            }
        }
        if stats && payload { throw ValidationError("--stats and --payload exclude each other; leave one out") }
        if files.filter({ $0 == "-" }).count > 1 { throw ValidationError("stdin can be read once; write - once") }
    }

    func perform(_ console: Console) async throws -> ExitCode {
        let inputs = files.isEmpty ? ["-"] : files
        if encode { return try EncodeRun(console).run(inputs, isStrict: strict) }
        return try DecodeRun(self, console).run(inputs)
    }
}
