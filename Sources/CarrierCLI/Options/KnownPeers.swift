import ArgumentParser
import CarrierWire

/// Peers that a shell can offer while one types: those in `$CARRIER_BOOTSTRAP` and in the bootstrap file.
///
/// Nothing here fails or says anything: a shell that completes has no place for it.
enum KnownPeers {
    /// Completes an address, for options and arguments that name one.
    static let addresses = CompletionKind.custom { _, _, _ in offered(known.map(\.description)) }
    /// Completes a public key, for options and arguments that name one.
    static let ids = CompletionKind.custom { _, _, _ in offered(known.compactMap { $0.peer.map { "\($0)" } }) }

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
    private static func offered(_ words: [String]) -> [String] {
        var seen: Set<String> = []
        let words = words.filter { seen.insert($0).inserted }
        // zsh takes what follows a colon for a description.
        return CompletionShell.requesting == .zsh ? words.map { $0.replacing(":", with: "\\:") } : words
    }
}
