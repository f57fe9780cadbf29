import ArgumentParser

/// What every subcommand understands.
struct CommonOptions: ParsableArguments, Sendable {
    @Flag(name: .long, help: "Print JSON Lines: one object a line (see carrier help json).")
    var json = false

    @Flag(name: .shortAndLong, help: "Leave out notes and progress on stderr, and single results where there is a sum.")
    var quiet = false

    @Flag(name: [.short, .customLong("verbose")], help: "Log to stderr: -v info, -vv debug, -vvv trace.")
    var verbosity: Int

    @Option(
        name: .long, help: ArgumentHelp("End with exit code 7 when not done by then.", valueName: "duration"),
        transform: DurationArgument.parse)
    var timeout: DurationArgument?

    @Option(name: .long, help: ArgumentHelp("Colour the text output.", valueName: "when"))
    var color: Style.Choice = .auto
}

extension Style.Choice: ExpressibleByArgument {}
