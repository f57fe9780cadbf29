import ArgumentParser
import Glibc

/// From the command line to a running command, or to a help text or a usage error.
enum Program {
    static func run(_ arguments: [String]) -> Never {
        Signals.ignorePipe()
        Memory.keepForReuse()
        if arguments.isEmpty {
            Diagnostics.plain(Tool.helpMessage())
            Signals.exit(.usage)
        }
        if arguments[0] == "help" { help(Array(arguments.dropFirst())) }
        if arguments[0] == "--generate-manual" { manual(Array(arguments.dropFirst())) }
        if let script = CompletionScript.asked(by: arguments) { show(script) }
        if !arguments[0].hasPrefix("-") && Tool.command(named: arguments[0]) == nil {
            let names = Tool.commands.map { $0.name } + ["help"]
            unknown("subcommand", arguments[0], names: names, see: "carrier --help", arguments)
        }
        do {
            var parsed = try Tool.parseAsRoot(LookupCommand.spelledOut(arguments))
            if let command = parsed as? any CarrierCommand { Console.run(command) }
            if parsed is Tool { throw ValidationError("a subcommand is missing") }
            // A request for help, which the parser makes a command of its own.
            try parsed.run()
            Signals.exit(.ok)
        } catch {
            explain(error, arguments)
        }
    }

    /// `carrier help [SUBCOMMAND|TOPIC]`.
    private static func help(_ arguments: [String]) -> Never {
        guard let name = arguments.first, !name.hasPrefix("-") else { show(Tool.helpMessage()) }
        if let topic = HelpTopic(rawValue: name) { show(topic.text) }
        if let command = Tool.command(named: name) { show(helpPage(of: command, Tool.helpMessage(for: command))) }
        let names = Tool.commands.map { $0.name } + HelpTopic.allCases.map(\.rawValue)
        unknown("subcommand or topic", name, names: names, see: "carrier help", arguments)
    }

    /// `carrier --generate-manual [PAGE]`: the names of the man pages, or the mdoc source of one.
    private static func manual(_ arguments: [String]) -> Never {
        guard let page = arguments.first else { show(Manual.pages.joined(separator: "\n")) }
        guard let text = Manual.page(named: page) else { fail("there is no page '\(page)'", arguments) }
        show(text)
    }

    /// The parser's help with the command's own options before those of all commands, then examples and exit codes.
    private static func helpPage(of command: any CarrierCommand.Type, _ generated: String) -> String {
        var sections = generated.split(separator: "\n\n").map { String($0.drop { $0 == "\n" }) }
        if let last = sections.last, last.hasSuffix("\n") { sections[sections.count - 1].removeLast() }
        if let own = sections.firstIndex(where: { $0.hasPrefix("OPTIONS:") }),
            let common = sections.firstIndex(where: { $0.hasPrefix("COMMON OPTIONS:") }), common < own
        {
            sections.insert(sections.remove(at: own), at: common)
        }
        let examples = command.examples.map { "  \($0.about)\n    \($0.line)" }.joined(separator: "\n")
        if !examples.isEmpty { sections.append("EXAMPLES:\n\(examples)") }
        sections.append("EXIT CODES:\n\(HelpTopic.table(of: command.exitCodes))")
        return sections.joined(separator: "\n\n")
    }

    /// What the parser threw: a request for help and the like, or a mistake.
    private static func explain(_ error: any Error, _ arguments: [String]) -> Never {
        let message = Tool.fullMessage(for: error)
        guard Tool.exitCode(for: error).isSuccess else {
            Diagnostics.plain(message)
            reportUsage(Tool.message(for: error), arguments)
            Signals.exit(.usage)
        }
        if let command = Tool.command(named: arguments[0]), message.hasPrefix("OVERVIEW:") {
            show(helpPage(of: command, message))
        }
        show(message)
    }

    private static func unknown(
        _ kind: String, _ name: String, names: [String], see: String, _ arguments: [String]
    ) -> Never {
        let hint = NearestName.of(name, among: names).map { "; did you mean '\($0)'?" } ?? "; see '\(see)'"
        fail("unknown \(kind) '\(name)'\(hint)", arguments)
    }

    private static func fail(_ message: String, _ arguments: [String]) -> Never {
        Diagnostics.line(message)
        reportUsage(message, arguments)
        Signals.exit(.usage)
    }

    /// The record of a usage error, for who asked for records.
    private static func reportUsage(_ message: String, _ arguments: [String]) {
        guard arguments.prefix(while: { $0 != "--" }).contains("--json") else { return }
        let output = Output(isJSON: true, style: .plain) { _ in }
        output.emit(ErrorRecord(Failure(.usage, message)))
        output.finish()
    }

    /// Text that was asked for, on stdout.
    private static func show(_ text: String) -> Never {
        var text = text
        if !text.hasSuffix("\n") { text += "\n" }
        let failure = text.withUTF8 { Descriptors.writeAll(UnsafeRawBufferPointer($0), to: STDOUT_FILENO) }
        if failure == EPIPE { Signals.die(of: SIGPIPE) }
        if failure != 0 {
            Diagnostics.line("cannot write to stdout: \(Descriptors.reason(failure))")
            Signals.exit(.io)
        }
        Signals.exit(.ok)
    }
}
