internal import ArgumentParser
internal import BenchmarkReport
internal import CarrierCrypto
internal import CarrierTesting

/// Runs carrier's own components on a virtual clock and simulated links, and writes what it measures.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carrier-simulate",
        abstract: "Simulate lookups and broadcasts of carrier on a virtual clock.",
        discussion: """
            Everything is production code but the clock, the links and two things that are said here: every peer \
            record is really checked once, but one memory of checks serves all nodes; and except for `join`, tables are \
            filled through their own rules with the neighbours that a long-lived node knows.
            """)

    enum Experiment: String, CaseIterable, ExpressibleByArgument {
        case lookup, broadcast, join, scale
    }

    @Argument(help: "What to run: lookup, broadcast, join, scale. Default: the first three.")
    var experiments: [Experiment] = [.lookup, .broadcast, .join]
    @Option(help: "Nodes of the lookup experiment.")
    var nodes = 10_000
    @Option(help: "Lookups for each point.")
    var lookups = 10_000
    @Option(parsing: .upToNextOption, help: "Kinds of adversaries in the lookup experiment.")
    var adversaries: [LookupExperiment.Adversary] = LookupExperiment.Adversary.allCases
    @Option(help: "Identities that the adversaries of the lookup experiment have in store.")
    var sybils = 200_000
    @Option(parsing: .upToNextOption, help: "Nodes of the broadcast experiment, one number or several.")
    var broadcastNodes: [Int] = [1000, 10_000]
    @Option(help: "Broadcasts for each point.")
    var broadcasts = 10
    @Option(help: "Nodes of the join experiment.")
    var joinNodes = 500
    @Option(parsing: .upToNextOption, help: "Nodes of the scale experiment, one number or several.")
    var scaleNodes: [Int] = [100, 1000, 10_000, 100_000]
    @Option(help: "Seed of all that is left to chance.")
    var seed: UInt64 = 1
    @Option(help: "Folder for simulation.jsonl and the pictures; made if it is not there.")
    var output = "."

    func run() throws {
        let report = try Report("simulation", folder: output)
        for experiment in experiments {
            switch experiment {
            case .lookup:
                try LookupExperiment(nodes: nodes, lookups: lookups, seed: seed, sybils: sybils, kinds: adversaries)
                    .run(report)
            case .broadcast:
                for count in broadcastNodes {
                    try BroadcastExperiment(nodes: count, runs: broadcasts, seed: seed).run(report)
                }
            case .join: try JoinExperiment(nodes: joinNodes, seed: seed).run(report)
            case .scale: try ScaleExperiment(sizes: scaleNodes, lookups: lookups, seed: seed).run(report)
            }
        }
    }
}
