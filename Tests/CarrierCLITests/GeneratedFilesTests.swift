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

    /// A word of help json that begins with a small letter and stands where records and keys do.
    private static func names(in page: Substring) -> Set<String> {
        // What follows two spaces after the keys is a remark.
        Set(
            page.split(separator: "\n").flatMap { line in
                line.split(separator: " ").filter { word in
                    word.contains("_") && word.allSatisfy { $0.isLowercase || $0.isNumber || "_[]{}".contains($0) }
                }
            }.flatMap { $0.split { !($0.isLetter || $0.isNumber || $0 == "_") } }.map(String.init).filter {
                $0.contains("_") && !$0.hasPrefix("_")
            })
    }

    @Test("every key of help json has its place in carrier-json(7), and every key of that in help json")
    func keys() async throws {
        let short = try await Scratch().carrier("help", "json").output
        let page = try String(contentsOfFile: "\(Scratch.package)/man/carrier-json.7", encoding: .utf8)
        let lines = page.split(separator: "\n")
        let long = Set(
            lines.filter { $0.hasPrefix(".It Va ") || $0.hasPrefix(".Va ") }.flatMap { line in
                line.split(separator: " ").map { String($0) }.filter { $0.contains("_") }
            })
        let listed = Self.names(in: short[...])
        #expect(listed.count > 30)
        #expect(listed.subtracting(long).isEmpty, "missing in carrier-json(7)")
        #expect(long.subtracting(listed).isEmpty, "missing in help json")
        let types = Set(lines.filter { $0.hasPrefix(".Ss ") }.flatMap { $0.dropFirst(4).split(separator: ", ") })
        let words = short.split { $0.isWhitespace }
        for type in types where type != "Fields of frames" { #expect(words.contains(type), "\(type)") }
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
            mkdir -p .config/carrier; echo '\(peer) # somebody' >.config/carrier/bootstrap
            carrier --generate-completion-script \(shell) >completions
            python3 '\(Scratch.package)/Tests/Shells/complete.py' \(shell) ./completions \
              'carrier ke' 'keygen ' 'carrier keygen --static-b' '--static-bits ' 'carrier listen --nat nat' 'natpmp ' \
              'carrier decode sess' 'session.pcap ' 'carrier lookup 78' '788ff49b978d' \
              'carrier ping tcp' '198.51.100.7' 'carrier dial tcp://7' '198.51.100.7' \
              'carrier lookup --bootstrap tc' '198.51.100.7' 'carrier listen --allow 7' '788ff49b978d'
            """, limit: .seconds(120))
        #expect(outcome.code == 0, "\(outcome)")
    }
}
