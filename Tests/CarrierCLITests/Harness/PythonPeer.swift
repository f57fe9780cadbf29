import Foundation

/// The second implementation of the wire protocol (Tests/Interop), run as a process.
enum PythonPeer {
    /// Which of its programs.
    enum Program: String {
        /// Does what an honest peer does.
        case interop = "interop.py"
        /// Does what none should.
        case hostile = "hostile.py"
        /// Both, over UDP.
        case datagrams = "datagrams.py"
        /// What none should in the overlay.
        case overlay = "hostile_overlay.py"
        /// A network that says by ICMP that nobody can be reached.
        case unreachable = "unreachable.py"
        /// What none should over QUIC.
        case quic = "hostile_quic.py"
    }

    private static let folder = "\(Scratch.package)/Tests/Interop"

    /// Whether this machine can run it.
    static let isThere = Permission.runs(
        "python3", "-c",
        "import sys, cryptography; sys.exit(int(cryptography.__version__.split('.')[0]) < 40)")
    /// Whether it can do so over QUIC.
    static let hasQUIC = isThere && Permission.runs("python3", "-c", "import aioquic")

    /// Said where it cannot.
    static let need = "needs python3 with the cryptography package, version 40 or newer"

    /// Starts one scenario. Its stdin is open until `closeInput`, which ends scenarios that wait.
    static func start(
        _ program: Program, _ arguments: String..., in scratch: Scratch, limit: Duration = .seconds(60)
    ) throws -> Child {
        try start(program, arguments, in: scratch, limit: limit)
    }

    /// The same, with arguments from elsewhere.
    static func start(
        _ program: Program, _ arguments: [String], in scratch: Scratch, limit: Duration
    ) throws -> Child {
        try Child(
            "python3", ["-B", "\(folder)/\(program.rawValue)"] + arguments, environment: scratch.environment(),
            directory: scratch.path, input: true, limit: limit)
    }

    /// Runs one scenario of a client to its end.
    static func client(
        _ program: Program, _ name: String, _ arguments: String..., to node: ListeningNode,
        limit: Duration = .seconds(60)
    ) async throws -> Outcome {
        try await Child(
            "python3", ["-B", "\(folder)/\(program.rawValue)", "client", name, node.address] + arguments,
            environment: node.scratch.environment(), directory: node.scratch.path, limit: limit
        ).outcome()
    }

    /// Starts one scenario of a client in the node's network, to be watched.
    static func attack(
        _ program: Program, _ name: String, on node: ListeningNode, limit: Duration = .seconds(90)
    ) throws -> Child {
        try node.start(
            ["python3", "-B", "\(folder)/\(program.rawValue)", "client", name, node.address], input: true, limit: limit)
    }

    /// A serving scenario and its address.
    static func server(
        _ program: Program, _ name: String, _ arguments: String..., in scratch: Scratch
    ) async throws -> (child: Child, address: String) {
        let child = try Child(
            "python3", ["-B", "\(folder)/\(program.rawValue)", "server", name] + arguments,
            environment: scratch.environment(), directory: scratch.path, input: true, limit: .seconds(60))
        guard let address = await child.line() else { throw HarnessError("\(name): \(child.errors)", 0) }
        return (child, address)
    }

    /// Ends a serving scenario; code 0 says that all was as it should.
    static func end(_ child: Child) async -> Outcome {
        child.closeInput()
        return await child.outcome()
    }
}
