import CarrierCrypto
import CarrierProtocols
import CarrierTransport
import CarrierWire
import NIOCore

@testable import Carrier

/// A node's core under observation: what it announced, and the application's messages that it got.
final class TestNode {
    static let opcode = Opcode(rawValue: 1000)

    let core: NodeCore
    private(set) var ups: [Connection] = []
    private(set) var downs: [DisconnectCause] = []
    private(set) var received: [UInt32] = []
    /// Told of each message; they are left to the inbox where it wants that.
    var onMessage: ((Connection, Frame) -> Void)?

    init(
        _ identity: Identity, over transport: any Transport, loop: any EventLoop,
        components: [any Component] = Node.standardComponents,
        application: [any AsyncComponent] = [], _ change: (inout NodeConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = NodeConfiguration(identity: identity)
        configuration.transports = [transport]
        configuration.acceptsUnregistered = true
        configuration.minimum = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        change(&configuration)
        core = try NodeCore(
            configuration, components: components, application: application, executor: EventLoopExecutor(loop))
        core.observer = { [unowned self, configuration] event in
            switch event {
            case .connected(let connection): ups.append(connection)
            case .disconnected(_, let cause): downs.append(cause)
            case .message(let connection, let frame):
                onMessage?(connection, frame)
                // With types, messages are for those who ask for them.
                guard configuration.messages.entries.isEmpty else { return connection.keep(frame) }
                var body = frame.body
                received.append(body.readInteger(endianness: .little) ?? .max)
            default: break
            }
        }
        core.start()
    }

    var id: PeerID { core.configuration.identity.peerID }

    func connection(to other: TestNode) -> Connection? { core.connections[other.id] }

    /// How often a limit was reached.
    func reached(_ name: LimitUse.Name) -> UInt64 { core.limitUses.first { $0.name == name }?.reached ?? 0 }

    /// Lets go of the connections that were.
    func forget() {
        ups = []
        downs = []
    }

    /// Sends a numbered message; false without a connection.
    func send(_ number: UInt32, to other: TestNode) -> Bool {
        guard let connection = connection(to: other) else { return false }
        connection.send(Frame(Self.opcode, body: ByteBuffer(integer: number, endianness: .little)))
        return true
    }
}

/// Identities for tests, which solve no puzzle: nodes that meet them must ask for none.
enum TestIdentity {
    static func make() throws -> Identity { Identity(key: try .generate(), puzzleNonce: .zero) }
}
