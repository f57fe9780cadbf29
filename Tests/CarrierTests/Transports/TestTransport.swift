import Carrier
import CarrierCrypto
import CarrierTransport
import CarrierWire
import NIOPosix
import Testing

/// The transports that tests of nodes run over: what stands above them must not know which it is.
enum TestTransport: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case memory
    case tcp
    case quic
    case udp

    /// All that this build has.
    static let all: [TestTransport] = allCases.filter { $0 != .quic || hasQUIC }
    /// Those that carry a byte stream, of any length and without loss.
    static let streams: [TestTransport] = all.filter { $0 != .udp }

    private static var hasQUIC: Bool {
        #if QUIC
            true
        #else
            false
        #endif
    }

    var testDescription: String { rawValue }
}

/// Nodes that can reach each other over one transport, each on a loop of its own.
struct TestNetwork: Sendable {
    let transport: TestTransport
    private let memory = MemoryTransport()

    init(_ transport: TestTransport) { self.transport = transport }

    /// Where to listen.
    var anywhere: Address {
        switch transport {
        case .memory: Address(scheme: memory.scheme, host: "127.0.0.1", port: 0)
        case .tcp: Address(scheme: .tcp, host: "127.0.0.1", port: 0)
        case .quic: Address(scheme: .quic, host: "127.0.0.1", port: 0)
        case .udp: Address(scheme: .udp, host: "127.0.0.1", port: 0)
        }
    }

    /// What a node of this network is to be: it asks for no puzzles.
    func configuration(
        _ identity: Identity? = nil, _ change: (inout NodeConfiguration) -> Void = { _ in }
    ) throws -> NodeConfiguration {
        var configuration = NodeConfiguration(identity: try identity ?? TestIdentity.make())
        configuration.minimum = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        if transport == .memory { configuration.transports = [memory] }
        change(&configuration)
        return configuration
    }

    /// Runs `body` with two nodes, the first of which listens.
    func withNodes(
        application: [any AsyncComponent] = [], _ change: (inout NodeConfiguration) -> Void = { _ in },
        _ body: @Sendable (_ server: Node, _ client: Node, Address) async throws -> Void
    ) async throws {
        let (one, two) = (try configuration(nil, change), try configuration(nil, change))
        let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())
        let anywhere = anywhere
        try await Node.run(one, application: application, on: loops.first) { server in
            let address = try await server.listen(on: anywhere)
            try await Node.run(two, on: loops.last) { client in try await body(server, client, address) }
        }
    }

    /// Runs `body` with a node that dials and the address of one that echoes the streams of all who dial it.
    func withEcho(
        _ change: (inout NodeConfiguration) -> Void = { _ in },
        _ body: @Sendable (_ node: Node, Address, _ echo: Node) async throws -> Void
    ) async throws {
        try await withNodes(change) { echo, node, address in
            let serving = Task {
                for await event in echo.events {
                    guard case .connected(let peer) = event else { continue }
                    Task { _ = await peer.echo() }
                }
            }
            defer { serving.cancel() }
            try await body(node, address, echo)
        }
    }
}

extension Node {
    /// The connection with another node, once it stands at this one too.
    func peer(_ id: PeerID) async throws -> Peer {
        var found: Peer?
        try await eventually("\(id.short) is connected") {
            found = await peers.first { $0.id == id }
            return found != nil
        }
        return try #require(found)
    }
}

extension Peer {
    /// Why the connection ended, once it has.
    func ending(within limit: Duration = .seconds(5)) async throws -> DisconnectCause {
        try await eventually("\(id.short) is gone", within: limit) { await cause != nil }
        return try #require(await cause)
    }
}

/// Waits until a condition holds; fails the test when it does not in time.
func eventually(
    _ what: String, within limit: Duration = .seconds(5), _ condition: () async throws -> Bool,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    let holds = try await condition()
    try #require(holds, "\(what) within \(limit)", sourceLocation: sourceLocation)
}
