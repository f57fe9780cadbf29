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
        #expect(files.contains("carrier-wire.7"))
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

    @Test("bash completes subcommands and options")
    func bashCompletes() async throws {
        let outcome = try await Scratch().shell(
            """
            source '\(Scratch.package)/completions/carrier.bash'
            complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
              COMPREPLY=(); _carrier carrier "${!#}" "${@:$#-1:1}"; echo "${COMPREPLY[@]}"; }
            complete_words carrier key; complete_words carrier keygen --static
            """)
        #expect(outcome.output.contains("keygen"), "\(outcome)")
        #expect(outcome.output.contains("--static-bits"), "\(outcome)")
    }
}
