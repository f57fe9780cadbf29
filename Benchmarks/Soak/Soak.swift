internal import ArgumentParser
internal import BenchmarkReport
internal import Carrier
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Lets many nodes live in one process for a long time, with everything that the internet does to them, and says whether
/// anything was lost or kept that should not have been.
@main
struct Soak: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carrier-soak",
        abstract: "Run many nodes on loopback for a long time, with churn, loss, attacks, broadcasts and transfers.",
        discussion: """
            Nodes stop and others start; visitors come over paths that lose datagrams or are cut; attackers send \
            garbage, half of a handshake, replays. Fails when a message was acknowledged that did not arrive, when \
            memory or descriptors are not flat, or when anything is left after the last node is gone.
            """)

    @Option(help: "How long.") var minutes = 30.0
    @Option(help: "Nodes at a time.") var nodes = 200
    @Option(help: "How long a node lives on average, seconds.") var life = 600.0
    @Option(help: "Attackers at a time.") var attackers = 16
    @Option(help: "Seed of what is left to chance here.") var seed: UInt64 = 1
    @Option(help: "Folder for soak.jsonl and soak.svg.") var output = "."

    /// What is to go on.
    struct Terms {
        let nodes: Int
        let seconds: Double
        /// Of a node, seconds on average.
        let life: Double
        let attackers: Int
        let seed: UInt64
    }

    func validate() throws {
        guard minutes > 0, nodes >= 4, life > 0, attackers >= 0 else {
            throw ValidationError("expected a time, 4 nodes or more, and no negative numbers")
        }
    }

    func run() async throws {
        let report = try Report("soak", folder: output)
        let descriptors = Machine.raiseDescriptors()
        report.progress("\(descriptors) descriptors; \(nodes) nodes for \(Report.number(minutes, 1)) minutes")
        // Threads, tables and what else is made once are there before anything is measured.
        var rehearsal = SoakRun(Terms(nodes: 8, seconds: 15, life: 40, attackers: 8, seed: seed), nil)
        try await rehearsal.live()
        let start = await rehearsal.afterwards()
        var run = SoakRun(
            Terms(nodes: nodes, seconds: minutes * 60, life: life, attackers: attackers, seed: seed), report)
        try await run.live()
        let verdict = try await run.judge(from: start, report)
        for failure in verdict.failures { report.progress("FAILED: \(failure)") }
        if !verdict.failures.isEmpty { throw ExitCode.failure }
        report.progress("nothing broke")
    }
}
