import ArgumentParser
import Carrier

/// The root command: holds the subcommands together and does nothing itself.
struct Tool: ParsableCommand {
    /// Every subcommand, in the order of the help page.
    static let commands: [any CarrierCommand.Type] = [
        KeygenCommand.self, ListenCommand.self, DialCommand.self, PingCommand.self, LookupCommand.self,
        BroadcastCommand.self, NATMapCommand.self, DecodeCommand.self,
    ]

    static let configuration = CommandConfiguration(
        commandName: "carrier",
        abstract: "A peer-to-peer network stack for the shell.",
        discussion: """
            Identities, authenticated encrypted sessions, lookups and broadcasts in an overlay that nobody owns, port \
            mappings and a decoder, in commands that compose in pipelines: stdout carries results, stderr everything \
            else, and the exit code says what happened.

            More: carrier help \(HelpTopic.allCases.map(\.rawValue).joined(separator: " | "))
            """,
        version: "carrier \(carrierVersion)",
        subcommands: commands.map { $0 })

    static var _errorPrefix: String { "carrier: " }

    /// The subcommand of this name.
    static func command(named name: String) -> (any CarrierCommand.Type)? {
        commands.first { $0.name == name }
    }
}
