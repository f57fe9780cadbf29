import ArgumentParser
import FoundationEssentials

/// The man pages of the commands, made from the same declarations as the help texts.
enum Manual {
    /// When the pages were last worth a new date.
    private static let date = "November 22, 2026"

    /// The names of the pages, all of section 1.
    static var pages: [String] { ["carrier"] + Tool.commands.map { "carrier-\($0.name)" } }

    /// The mdoc source of a page; nil for a name that is none.
    static func page(named name: String) -> String? {
        if name == "carrier" { return overview() }
        guard let command = Tool.commands.first(where: { "carrier-\($0.name)" == name }) else { return nil }
        return page(of: command)
    }

    private static func start(_ name: String, _ abstract: String) -> MdocWriter {
        var page = MdocWriter()
        page.macro("Dd \(date)")
        page.macro("Dt \(name.uppercased()) 1")
        page.macro("Os")
        page.section("NAME")
        page.macro("Nm \(name)")
        page.macro("Nd \(MdocWriter.phrase(abstract))")
        return page
    }

    // MARK: One subcommand

    private static func page(of command: any CarrierCommand.Type) -> String {
        let about = ToolDescription.of(command)
        var page = start("carrier-\(command.name)", about.abstract)
        page.section("SYNOPSIS")
        page.macro("Nm carrier")
        page.macro("Cm \(command.name)")
        page.macro("Op Ar options")
        for argument in about.shown where argument.kind == "positional" {
            let value = "Ar \(argument.valueName ?? "")\(argument.isRepeating ? " ..." : "")"
            page.macro(argument.isOptional ? "Op \(value)" : value)
        }
        page.section("DESCRIPTION")
        page.paragraphs(about.discussion ?? about.abstract)
        page.arguments("ARGUMENTS", about.shown.filter { $0.kind == "positional" })
        page.arguments("OPTIONS", about.shown.filter { $0.kind != "positional" && $0.sectionTitle == nil })
        var titles: [String] = []
        for title in about.shown.compactMap(\.sectionTitle) where !titles.contains(title) { titles.append(title) }
        for title in titles { page.arguments(title.uppercased(), about.shown.filter { $0.sectionTitle == title }) }
        page.exitCodes(command.exitCodes)
        page.examples(command.examples)
        page.section("SEE ALSO")
        page.references([("carrier", 1), ("carrier-json", 7), ("carrier-wire", 7)])
        return page.text
    }

    // MARK: The whole

    private static func overview() -> String {
        let about = ToolDescription.of(Tool.self)
        var page = start("carrier", about.abstract)
        page.section("SYNOPSIS")
        page.macro("Nm")
        page.macro("Ar subcommand")
        page.macro("Op Ar options")
        page.macro("Op Ar argument ...")
        page.macro("Nm")
        page.macro("Cm help")
        page.macro("Op Ar subcommand | topic")
        page.section("DESCRIPTION")
        page.paragraphs(about.discussion?.split(separator: "\n\n").first.map(String.init) ?? "")
        page.section("SUBCOMMANDS")
        page.list(
            Tool.commands.map { ("Cm \($0.name)", ToolDescription.of($0).abstract + " See carrier-\($0.name)(1).") })
        page.section("RULES")
        page.paragraphs(rules)
        page.section("ADDRESSES")
        page.literal(HelpTopic.addresses.text)
        page.section("REACHABILITY")
        page.literal(HelpTopic.reachability.text)
        page.section("JSON RECORDS")
        page.literal(HelpTopic.json.text)
        page.section("ENVIRONMENT")
        page.list(environment.map { ("Ev \($0)", $1) })
        page.section("FILES")
        page.list(files.map { ("Pa \($0)", $1) })
        page.exitCodes(ExitCode.allCases)
        page.paragraphs(
            "After clean-up the process dies of the signal that ended it: 129 HUP, 130 INT, 143 TERM, 141 PIPE.")
        page.section("EXAMPLES")
        page.literal(HelpTopic.pipelines.text)
        page.section("SEE ALSO")
        page.references(
            Tool.commands.map { ("carrier-\($0.name)", 1) }.sorted { $0.0 < $1.0 }
                + [("carrier-json", 7), ("carrier-wire", 7)])
        return page.text
    }

    private static let rules = """
        Standard output carries results and nothing else: by default text that the next command can use, one item a line; \
        with --json one object a line, flushed at once. Diagnostics and progress go to standard error. A terminal or a pipe \
        changes colour and the progress line, never content.

        Standard input is read only where the job is a stream, or where an argument is -.

        Secrets never travel by argument, environment, log or default output.

        Durations need a unit, as in 500ms, 5s or 1h30m. Sizes are bytes, as in 512, 64KiB or 1MB.

        The first INT, TERM or HUP stops a command. It prints its summary, closes what it opened within two seconds and dies \
        of that signal. The second ends it at once. QUIT prints a line of status to standard error.

        A full disk is exit code 74. A reader that is gone ends a command by SIGPIPE, after clean-up.
        """

    private static let environment = [
        ("CARRIER_IDENTITY", "The identity file to use where --identity is not given."),
        ("CARRIER_BOOTSTRAP", "Bootstrap peers where --bootstrap is not given, addresses between spaces."),
        ("CARRIER_LOG", "What is logged to standard error: warning (the default), info, debug or trace."),
        ("NO_COLOR", "Set to anything, it takes the colour out of text for terminals."),
        ("XDG_CONFIG_HOME", "Where the configuration directory carrier lies. Default ~/.config."),
    ]

    private static let files = [
        (
            "~/.config/carrier/identity.pem",
            "The identity of this user: an Ed25519 key in PKCS#8 and the puzzle nonce. Refused when others can read it."
        ),
        ("~/.config/carrier/bootstrap", "Bootstrap peers, one address a line. A # begins a comment."),
    ]
}

/// What the parser knows of a command.
struct ToolDescription: Decodable {
    struct Argument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }
        let kind: String
        let shouldDisplay: Bool
        let isOptional: Bool
        let isRepeating: Bool
        let names: [Name]?
        let valueName: String?
        let defaultValue: String?
        let allValues: [String]?
        let abstract: String?
        let sectionTitle: String?
    }
    let abstract: String
    let discussion: String?
    let arguments: [Argument]?

    /// The arguments that the help shows.
    var shown: [Argument] { (arguments ?? []).filter(\.shouldDisplay) }

    static func of(_ command: any ParsableCommand.Type) -> ToolDescription {
        struct Dump: Decodable { let command: ToolDescription }
        // The parser's own output: that it cannot be read would be a mistake of the build.
        guard let dump = try? JSONDecoder().decode(Dump.self, from: Data(command._dumpHelp().utf8)) else {
            Diagnostics.line("internal error: the description of \(command) cannot be read")
            Signals.exit(.bug)
        }
        return dump.command
    }
}
