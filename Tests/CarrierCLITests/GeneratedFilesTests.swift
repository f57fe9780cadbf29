import Foundation
import Testing

@Suite("Generated files")
struct GeneratedFilesTests {
    @Test("man pages and completions are what the commands generate today")
    func fresh() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            "CARRIER=\"$(command -v carrier)\" '\(Scratch.package)/Scripts/generated' --check all")
        #expect(outcome.code == 0, "run make man completions: \(outcome)")
    }

    @Test("every page in man/ belongs to a command of today")
    func noOrphans() async throws {
        let scratch = try Scratch()
        let pages = Set(try await scratch.carrier("--generate-manual").lines.map { "\($0).1" })
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(Scratch.package)/man")
        #expect(Set(files.filter { $0.hasSuffix(".1") }) == pages)
        #expect(files.contains("carrier-wire.7") && files.contains("carrier-json.7"))
    }

    /// The keys of several words in help json: those that stand alone, not in a sentence.
    private static func keys(in page: String) -> Set<String> {
        var keys: Set<String> = []
        for word in page.split(whereSeparator: \.isWhitespace) where word.contains("_") {
            let isKey = word.allSatisfy { (character: Character) -> Bool in
                character.isLowercase || character.isNumber || "_[]{}".contains(character)
            }
            guard isKey else { continue }
            for part in word.split(whereSeparator: { "[]{}".contains($0) }) {
                if part.contains("_"), !part.hasPrefix("_") { keys.insert(String(part)) }
            }
        }
        return keys
    }

    @Test("every key of help json has its place in carrier-json(7), and every key of that in help json")
    func keys() async throws {
        let short = try await Scratch().carrier("help", "json").output
        let page = try String(contentsOfFile: "\(Scratch.package)/man/carrier-json.7", encoding: .utf8)
        let words = short.split(whereSeparator: \.isWhitespace).map(String.init)
        var long: Set<String> = []
        for line in page.split(separator: "\n") {
            if line.hasPrefix(".It Va ") || line.hasPrefix(".Va ") {
                for word in line.split(separator: " ") where word.contains("_") { long.insert(String(word)) }
            } else if line.hasPrefix(".Ss "), line != ".Ss Fields of frames" {
                for type in line.dropFirst(4).split(separator: ", ") {
                    #expect(words.contains(String(type)), "\(type)")
                }
            }
        }
        let listed = Self.keys(in: short)
        #expect(listed.count > 30)
        #expect(listed.subtracting(long).isEmpty, "missing in carrier-json(7)")
        #expect(long.subtracting(listed).isEmpty, "missing in help json")
    }

    @Test("mandoc finds nothing to say about the man pages", .enabled(if: Scratch.has("mandoc")))
    func lint() async throws {
        let outcome = try await Scratch().shell("cd '\(Scratch.package)/man' && mandoc -Tlint *")
        #expect(outcome.code == 0 && outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome)")
    }

    @Test(
        "the shells take the completions",
        arguments: [
            ("bash", "bash -n", "carrier.bash"), ("zsh", "zsh -n", "_carrier"), ("fish", "fish -n", "carrier.fish"),
        ])
    func completions(shell: String, check: String, file: String) async throws {
        guard Scratch.has(shell) else { return }
        let outcome = try await Scratch().shell("\(check) '\(Scratch.package)/completions/\(file)'")
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
    }

    @Test(
        "shells on a terminal complete subcommands, options, values, files and known peers",
        .enabled(if: Scratch.has("python3"), "needs python3 for a terminal"), arguments: ["bash", "zsh", "fish"])
    func completes(shell: String) async throws {
        guard Scratch.has(shell) else { return }
        let scratch = try Scratch()
        let peer = "tcp://788ff49b978dfb9addc7f145f4bb8c063873376093f35a4b1cdf94b4ae8b032d@198.51.100.7:4000"
        try scratch.write("", to: "session.pcap")
        let outcome = try await scratch.shell(
            """
            peer='\(peer)'; mkdir -p .config/carrier statedir; echo '\(peer) # somebody' >.config/carrier/bootstrap
            carrier --generate-completion-script \(shell) >completions
            python3 '\(Scratch.package)/Tests/Shells/complete.py' \(shell) ./completions \
              'carrier ke' 'keygen ' 'carrier keygen --static-b' '--static-bits ' 'carrier listen --nat nat' 'natpmp ' \
              'carrier decode sess' 'session.pcap ' 'carrier lookup 78' '788ff49b978d' \
              'carrier ping tcp' '198.51.100.7' 'carrier dial tcp://7' '032d@198.51.100.7:4000 ' \
              'carrier dial '"${peer%%.*}" '198.51.100.7:4000 ' \
              'carrier lookup --bootstrap tc' '198.51.100.7' 'carrier listen --allow 7' '788ff49b978d' \
              'carrier lookup --do' '--dot ' 'carrier ping --color al' 'always ' 'carrier broadcast sess' 'session.pcap ' \
              'carrier listen --state stat' 'statedir' 'carrier nat-map --check-via tc' '198.51.100.7' \
              'carrier ping 78' '788ff49b978d' 'carrier broadcast --codec ms' 'msgpack ' 'carrier decode --only pi' 'ping ' \
              'carrier help lo' 'lookup ' 'carrier help exi' 'exit-codes '
            """, limit: .seconds(120))
        #expect(outcome.code == 0, "\(outcome)")
    }
}
