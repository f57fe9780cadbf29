import ArgumentParser
import CarrierWire

/// What every subcommand that opens sessions understands.
struct SessionOptions: ParsableArguments, Sendable {
    @Option(
        name: .long, help: ArgumentHelp("The identity to use, a PEM file of carrier keygen.", valueName: "file"),
        completion: .file())
    var identity: String?

    @Flag(name: .long, help: "Use a fresh identity that is never stored.")
    var ephemeral = false

    @Option(name: .long, help: ArgumentHelp("The network's number; both sides must agree.", valueName: "n"))
    var network: UInt32 = 1

    @Option(
        name: .long,
        help: ArgumentHelp("How long connecting and the handshake may take (default: 5s).", valueName: "duration"),
        transform: DurationArgument.parse)
    var connectTimeout: DurationArgument = DurationArgument(.seconds(5))

    @Option(name: .long, help: ArgumentHelp("Refuse peers below this static puzzle.", valueName: "bits"))
    var minStatic = 8

    @Option(name: .long, help: ArgumentHelp("Refuse peers below this dynamic puzzle.", valueName: "bits"))
    var minDynamic = 8

    @Flag(name: .customShort("4"), help: "Use IPv4 only.")
    var onlyIPv4 = false

    @Flag(name: .customShort("6"), help: "Use IPv6 only.")
    var onlyIPv6 = false

    @Option(
        name: .long, help: ArgumentHelp("Append the keys of each session to a file, for decode.", valueName: "file"),
        completion: .file())
    var keylog: String?

    @Option(
        name: .long, help: ArgumentHelp("Record all frames, in the clear, to a file or -.", valueName: "file"),
        completion: .file())
    var record: String?

    @Option(
        name: .customLong("bootstrap"),
        help: ArgumentHelp("A peer through which to join the overlay; may be repeated.", valueName: "address"),
        completion: KnownPeers.addresses, transform: AddressArgument.parse)
    var bootstrapAddresses: [Address] = []

    func validate() throws {
        if ephemeral && identity != nil {
            throw ValidationError("--ephemeral and --identity exclude each other; leave one out")
        }
        if onlyIPv4 && onlyIPv6 { throw ValidationError("-4 and -6 exclude each other; leave one out") }
        for (name, bits) in [("--min-static", minStatic), ("--min-dynamic", minDynamic)]
        where !PuzzleBits.range.contains(bits) {
            throw ValidationError("\(name) expects \(PuzzleBits.words), got \(bits)")
        }
    }
}

/// How hard a puzzle may be made on the command line.
enum PuzzleBits {
    static let range = 0...64
    static let words = "0 to 64 bits"
}
