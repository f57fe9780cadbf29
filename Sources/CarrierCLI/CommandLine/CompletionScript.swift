import ArgumentParser

/// The completions of a shell: the parser's, and what it does not know of `carrier help`: subcommands and topics.
enum CompletionScript {
    private static let option = "--generate-completion-script"

    /// The script that the arguments ask for; nil where they ask for something else, or for a shell that the parser does not know.
    static func asked(by arguments: [String]) -> String? {
        let words = arguments.first.map { $0.split(separator: "=", maxSplits: 1).map(String.init) } ?? []
        guard words.first == option, let name = words.count > 1 ? words[1] : arguments.dropFirst().first,
            let shell = CompletionShell(rawValue: name)
        else { return nil }
        return text(for: shell)
    }

    private static func text(for shell: CompletionShell) -> String {
        let script = Tool.completionScript(for: shell)
        let subjects = (Tool.commands.map { $0.name } + HelpTopic.allCases.map(\.rawValue)).joined(separator: " ")
        switch shell {
        case .bash:
            let offer = "    COMPREPLY+=($(compgen -W '\(subjects)' -- \"${cur}\"))"
            // What is looked up is no file, whose colons and at signs would be escaped.
            let lookedUp = "        __carrier_add_completions -W \"$(__carrier_custom_complete"
            return script.replacing(
                "    __carrier_offer_flags_options -1\n}\n\ncomplete ",
                with: "    __carrier_offer_flags_options -1\n\(offer)\n}\n\ncomplete "
            ).replacing(lookedUp, with: "        compopt +o filenames\n\(lookedUp)")
        case .zsh: return script.replacing("'*:subcommands:'", with: "'1:subject:(\(subjects))'")
        case .fish:
            let condition = "__carrier_should_offer_completions_for_positional \"carrier help\" -eq 1"
            return script + "\ncomplete -c 'carrier' -n '\(condition)' -fa '\(subjects)'"
        default: return script
        }
    }
}
