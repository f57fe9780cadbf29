import ArgumentParser

/// One subcommand: options, validation, a call into the library, records on stdout.
///
/// `perform` runs in a task that is cancelled when the command shall stop: by a signal, `--timeout`, a gone reader, a
/// full disk. It then cleans up within two seconds, prints its summary and returns as usual (or throws
/// `CancellationError`); what ended it decides how the process ends. Exit codes, the `end` record, error texts
/// and signals are not its business.
protocol CarrierCommand: ParsableCommand, Sendable {
    /// The options that every subcommand has.
    var common: CommonOptions { get }
    /// What the command can exit with; ends its help page.
    static var exitCodes: [ExitCode] { get }
    /// Command lines for the man page, with a word on each.
    static var examples: [(line: String, about: String)] { get }
    /// Whether `--json` output ends with an `end` record. Default true.
    var endsWithRecord: Bool { get }
    /// How long the command goes on when nobody reads its stdout any more and it has nothing to print. Default zero; nil for
    /// as long as it likes.
    var readerPatience: Duration? { get }
    /// When the command as a whole must be done. Default `--timeout`; nil for never.
    var deadline: Duration? { get }

    /// Does the work.
    ///
    /// - Returns: what happened; see `ExitCode.combined` for several targets.
    /// - Throws: a `Failure` or an `ExitCoded` error, which is reported; anything else is an internal error.
    func perform(_ console: Console) async throws -> ExitCode
}

extension CarrierCommand {
    static var examples: [(line: String, about: String)] { [] }
    var endsWithRecord: Bool { true }
    var readerPatience: Duration? { .zero }
    /// For a stream of bytes: a reader that has all it wants, like tar, may leave a moment before the stream ends.
    static var streamPatience: Duration { .seconds(1) }
    var deadline: Duration? { common.timeout?.duration }

    /// The command's name on the command line.
    static var name: String { configuration.commandName ?? "" }
}
