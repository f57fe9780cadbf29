import ArgumentParser
import Carrier
import CarrierCrypto
import Glibc

/// `carrier keygen`: makes identities, shows and checks them.
struct KeygenCommand: CarrierCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make an identity, or show or check one.",
        discussion: """
            Searches, on all processors, for an Ed25519 key pair that solves the network's static puzzle and a nonce \
            that solves the dynamic one, writes both to a PEM file that only its owner can read, and prints the peer \
            id. The file appears as a whole or not at all; one that exists is never touched without --force.

            Without -o, and for --public and --check without FILE, the file is $CARRIER_IDENTITY, else \
            ${XDG_CONFIG_HOME:-~/.config}/carrier/identity.pem.
            """)

    static let exitCodes: [ExitCode] = [
        .ok, .negative, .deadline, .usage, .data, .noinput, .bug, .exists, .io, .perm,
    ]
    static let examples = [
        (line: "ID=$(carrier keygen -o node.pem)", about: "Make an identity and keep its id."),
        (line: "carrier keygen --check node.pem", about: "See that nobody else can read it and what it is worth."),
        (line: "openssl pkey -in node.pem -noout -text", about: "Look at the key with another program."),
    ]

    @OptionGroup(title: "Common options") var common: CommonOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("Write here; - is stdout.", valueName: "file"), completion: .file())
    var output: String?

    @Option(
        name: .long, help: ArgumentHelp("Zero bits of the static puzzle; each doubles the work.", valueName: "bits"))
    var staticBits = 8

    @Option(name: .long, help: ArgumentHelp("Zero bits of the dynamic puzzle.", valueName: "bits"))
    var dynamicBits = 8

    @Option(name: .long, help: ArgumentHelp("Search on so many threads (default: one a processor).", valueName: "n"))
    var threads: Int?

    @Flag(name: .long, help: "Replace a file that exists and keep it as FILE.bak.")
    var force = false

    @Flag(name: .customLong("public"), help: "Print the id of the identity in FILE.")
    var isPublic = false

    @Flag(name: .customLong("check"), help: "Check permissions, format and puzzle bits of FILE.")
    var isCheck = false

    @Argument(help: ArgumentHelp("With --public and --check: the file to read; - is stdin."), completion: .file())
    var file: String?

    var endsWithRecord: Bool { false }
    // Once begun, a search ends with a file, whether or not somebody waits for its id.
    var readerPatience: Duration? { nil }

    private var difficulty: Puzzle.Difficulty {
        Puzzle.Difficulty(staticBits: staticBits, dynamicBits: dynamicBits)
    }

    func validate() throws {
        for (name, bits) in [("--static-bits", staticBits), ("--dynamic-bits", dynamicBits)]
        where !PuzzleBits.range.contains(bits) {
            throw ValidationError("\(name) expects \(PuzzleBits.words), got \(bits)")
        }
        if let threads, threads < 1 { throw ValidationError("--threads expects at least 1, got \(threads)") }
        if isPublic && isCheck { throw ValidationError("--public and --check exclude each other; leave one out") }
        if isPublic || isCheck {
            if output != nil { throw ValidationError("-o is for making an identity; name the one to read without it") }
            if force { throw ValidationError("--force is for making an identity; leave it out") }
        } else if let file {
            throw ValidationError("unexpected argument '\(file)'; write -o \(file) to make an identity there")
        } else if output == "-" && common.json {
            throw ValidationError("--json and -o - both want stdout; write to a file")
        }
    }

    func perform(_ console: Console) async throws -> ExitCode {
        if isPublic || isCheck { return try inspect(console) }
        let path = try target()
        if path != "-" {
            if output == nil { try Self.makeDirectory(of: path) }
            try IdentityFile.checkCanWrite(path, existing: force ? .backUp : .keep)
        }
        let (identity, tries, elapsed) = try await KeygenProgress(difficulty, threads ?? Processors.count, console)
            .search()
        if path == "-" {
            try identity.pem().withUnsafeBytes { console.output.write($0) }
            console.diagnostics.status("\(identity.peerID)")
        } else {
            try IdentityFile.write(identity, to: path, existing: force ? .backUp : .keep)
            console.output.emit(IdentityRecord(identity, path: path, tries: tries, elapsed: elapsed))
            if output == nil { console.diagnostics.note("the identity is in \(path)") }
        }
        return .ok
    }

    private func inspect(_ console: Console) throws -> ExitCode {
        let path = try file ?? target()
        let found = try path == "-" ? IdentityFile.read(STDIN_FILENO, named: "stdin") : IdentityFile.read(path)
        for warning in found.warnings { console.diagnostics.warning("\(path): \(warning)") }
        let solved = found.identity.solved
        if isCheck {
            for (name, has, needs) in [
                ("static", solved.staticBits, staticBits), ("dynamic", solved.dynamicBits, dynamicBits),
            ] where has < needs {
                throw Failure(
                    .negative, target: path,
                    "expected \(needs) bits of the \(name) puzzle, got \(has); make a new identity with carrier keygen")
            }
        }
        console.output.emit(IdentityRecord(found.identity, path: path))
        if isCheck {
            console.diagnostics.note(
                "\(path): static \(solved.staticBits) bits, dynamic \(solved.dynamicBits) bits, good")
        }
        return .ok
    }

    private func target() throws -> String {
        if let path = output ?? IdentityPath.standard { return path }
        throw Failure(.usage, "neither HOME nor XDG_CONFIG_HOME is set; name a file")
    }

    /// Makes the configuration directory, for its owner alone.
    private static func makeDirectory(of path: String) throws {
        var position = path.startIndex
        while let slash = path[position...].dropFirst().firstIndex(of: "/") {
            let directory = String(path[..<slash])
            if mkdir(directory, 0o700) != 0 && errno != EEXIST {
                throw Failure(.exists, target: path, "cannot create \(directory): \(Descriptors.reason(errno))")
            }
            position = slash
        }
    }
}
