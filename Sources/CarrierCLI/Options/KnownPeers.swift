import ArgumentParser
import CarrierWire

/// Peers that a shell can offer while one types: those in `$CARRIER_BOOTSTRAP` and in the bootstrap file.
///
/// Nothing here fails or says anything: a shell that completes has no place for it.
enum KnownPeers {
    /// Completes an address, for options and arguments that name one.
    static let addresses = CompletionKind.custom { words, index, _ in
        offered(known.map(\.description), after: typed(in: words, at: index))
    }
    /// Completes a public key, for options and arguments that name one.
    static let ids = CompletionKind.custom { _, _, _ in
        offered(keys, after: "")
    }

    /// Completes either: a key where one has been begun.
    static let targets = CompletionKind.custom { words, index, _ in
        let head = typed(in: words, at: index)
        let word = words.indices.contains(index) ? words[index] : ""
        let isKey = head.isEmpty && !word.isEmpty && word.allSatisfy(\.isHexDigit)
        return isKey ? offered(keys, after: "") : offered(known.map(\.description), after: head)
    }

    private static var keys: [String] { known.compactMap { $0.peer.map { "\($0)" } } }
    private static var known: [Address] {
        var texts: [String] = []
        if let listed = Environment.value("CARRIER_BOOTSTRAP") { texts.append(listed) }
        if let directory = Environment.configurationDirectory,
            let text = try? TextFile.read("\(directory)/bootstrap")
        {
            texts.append(text)
        }
        return texts.flatMap { text in
            text.split(whereSeparator: \.isNewline).flatMap { line in
                line.prefix { $0 != "#" }.split { $0.isWhitespace || $0 == "," }.compactMap { try? Address(String($0)) }
            }
        }
    }

    /// Each once, in the order in which they are known, and as the shell that asks wants them.
    private static func offered(_ words: [String], after head: String) -> [String] {
        var seen: Set<String> = []
        let words = words.filter { seen.insert($0).inserted }
        switch CompletionShell.requesting {
        // zsh takes what follows a colon for a description.
        case .zsh?: return words.map { $0.replacing(":", with: "\\:") }
        case .bash?: return words.filter { $0.hasPrefix(head) }.map { String($0.dropFirst(head.count)) }
        default: return words
        }
    }

    /// What stands before the word that is completed and belongs to it: bash begins a new word at each colon and at sign.
    private static func typed(in words: [String], at index: Int) -> String {
        let breaks: Set<String> = [":", "@"]
        var head = ""
        var position = words.indices.contains(index) && breaks.contains(words[index]) ? index : index - 1
        while position > 0, words.indices.contains(position), breaks.contains(words[position]) {
            head = words[position - 1] + words[position] + head
            position -= 2
        }
        // An at sign that stands directly before the word belongs to what bash replaces.
        return head.hasSuffix("@") ? String(head.dropLast()) : head
    }
}
