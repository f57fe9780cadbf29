/// Writes mdoc(7), the language of man pages.
struct MdocWriter {
    private var lines: [String] = []

    /// The page.
    var text: String { lines.joined(separator: "\n") + "\n" }

    /// A macro line, as it is.
    mutating func macro(_ line: String) { lines.append(".\(line)") }

    mutating func section(_ name: String) { macro("Sh \(name)") }

    /// Paragraphs, between empty lines in `text`; each sentence on a line of its own, as mdoc wants it.
    mutating func paragraphs(_ text: String) {
        for (index, paragraph) in text.split(separator: "\n\n").enumerated() {
            if index > 0 { macro("Pp") }
            for line in Self.sentences(String(paragraph)) { lines.append(Self.escape(line)) }
        }
    }

    /// Text in which every character counts: line breaks, spaces, hyphens and quotes come out as they are, to be copied.
    mutating func literal(_ text: String, isIndented: Bool = false) {
        macro("Bd -literal" + (isIndented ? " -offset indent" : ""))
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = line.replacing("\\", with: "\\e")
            for (character, name) in ["-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"] {
                line = line.replacing(character, with: name)
            }
            lines.append(line.hasPrefix(".") ? "\\&" + line : String(line))
        }
        macro("Ed")
    }

    /// Terms, given as macros, and what they mean.
    mutating func list(_ items: [(term: String, text: String)]) {
        macro("Bl -tag -width Ds")
        for (term, text) in items {
            macro("It \(term)")
            paragraphs(text)
        }
        macro("El")
    }

    /// A section of options or arguments; none where there are none.
    mutating func arguments(_ title: String, _ arguments: [ToolDescription.Argument]) {
        if arguments.isEmpty { return }
        section(title)
        list(
            arguments.map { argument in
                var text = argument.abstract ?? ""
                if let values = argument.allValues { text += " One of \(values.joined(separator: ", "))." }
                if let value = argument.defaultValue { text += " Default \(value)." }
                return (Self.term(argument), text)
            })
    }

    private static func term(_ argument: ToolDescription.Argument) -> String {
        let value = "Ar \(argument.valueName ?? "value")"
        if argument.kind == "positional" { return value + (argument.isRepeating ? " ..." : "") }
        let names = (argument.names ?? []).sorted { $0.kind == "short" && $1.kind != "short" }
        return names.map { name in
            let flag = name.kind == "long" ? "Fl -\(name.name)" : "Fl \(name.name)"
            return argument.kind == "option" ? "\(flag) \(value)" : flag
        }.joined(separator: " , ")
    }

    mutating func exitCodes(_ codes: [ExitCode]) {
        section("EXIT STATUS")
        list(
            codes.map {
                ("\($0.rawValue) Pq \($0.name)", $0.meaning.prefix(1).uppercased() + $0.meaning.dropFirst() + ".")
            })
    }

    mutating func examples(_ examples: [(line: String, about: String)]) {
        if examples.isEmpty { return }
        section("EXAMPLES")
        for (index, example) in examples.enumerated() {
            if index > 0 { macro("Pp") }
            paragraphs(example.about)
            literal(example.line, isIndented: true)
        }
    }

    mutating func references(_ pages: [(name: String, section: Int)]) {
        for (index, page) in pages.enumerated() {
            macro("Sy \(page.name) Ns Pq \(page.section)\(index == pages.count - 1 ? "" : " ,")")
        }
    }

    /// A one-line description: without a capital at the beginning and a stop at the end.
    static func phrase(_ text: String) -> String {
        let phrase = text.hasSuffix(".") ? text.dropLast() : text[...]
        return escape(phrase.prefix(1).lowercased() + phrase.dropFirst())
    }

    /// The text in lines of at most 78 columns, each sentence beginning a new one.
    private static func sentences(_ text: String) -> [String] {
        var lines = [""]
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let last = lines[lines.count - 1]
            let endsSentence = last.last.map { ".!?".contains($0) } == true && word.first?.isLowercase == false
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if endsSentence || last.count + 1 + word.count > 78 {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = "\(last) \(word)"
            }
        }
        return lines
    }

    /// Text that begins no macro and holds no escape.
    private static func escape(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\e")
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }
}
