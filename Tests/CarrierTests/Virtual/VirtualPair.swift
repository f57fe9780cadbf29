import CarrierCrypto
import CarrierProtocols
import CarrierTransport
import CarrierWire
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Carrier

/// Two nodes on one virtual clock and a connection between them that the client dialled. Use it from one thread: in tests
/// that do not wait.
final class VirtualPair {
    let loop = EmbeddedEventLoop()
    let transport = MemoryTransport()
    let server: TestNode
    let client: TestNode
    private let address: Address

    init(
        _ change: (inout NodeConfiguration) -> Void = { _ in },
        serverComponents: [any Component] = Node.standardComponents,
        serverApplication: [any AsyncComponent] = [], connects: Bool = true
    ) throws {
        server = try TestNode(
            Self.identity(), over: transport, loop: loop, components: serverComponents, application: serverApplication,
            change)
        client = try TestNode(Self.identity(), over: transport, loop: loop, change)
        let listening = server.core.listen(on: Address(scheme: transport.scheme, host: "127.0.0.1", port: 0))
        loop.run()
        address = try listening.wait().pinned(to: server.id)
        if connects { try connect() }
    }

    /// An identity whose puzzles are not solved: the nodes ask for none.
    static func identity() throws -> Identity { Identity(key: try Ed25519.SigningKey.generate(), puzzleNonce: .zero) }

    func connect() throws {
        var outcome: Result<Connection, DialError>?
        client.core.dial([address]) { outcome = $0 }
        loop.run()
        _ = try #require(outcome).get()
    }

    /// The client's end of the connection.
    var ours: Connection { get throws { try #require(client.connection(to: server)) } }
    /// The server's end.
    var theirs: Connection { get throws { try #require(server.connection(to: client)) } }

    /// Lets the virtual time pass.
    func pass(_ time: Duration) { loop.advanceTime(by: TimeAmount(time)) }

    /// Runs `body` on the virtual loop; it ends when enough time has passed.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) -> Outcome<Value> {
        let outcome = Outcome<Value>()
        Task(executorPreference: EventLoopExecutor(loop)) {
            do { outcome.set(.success(try await body())) } catch { outcome.set(.failure(error)) }
        }
        loop.run()
        return outcome
    }

    /// Ends both nodes; nothing may be left.
    func end() throws {
        _ = (server.core.stop(), client.core.stop())
        pass(.seconds(10))
        #expect(server.core.connections.isEmpty && client.core.connections.isEmpty)
        try loop.syncShutdownGracefully()
    }
}

/// What became of a task, once it has ended.
final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)

    func set(_ value: Result<Value, any Error>) { result.withLock { $0 = value } }
    var isThere: Bool { result.withLock { $0 != nil } }
    var value: Value? { result.withLock { try? $0?.get() } }
    var error: (any Error)? {
        result.withLock { result in
            if case .failure(let error) = result { error } else { nil }
        }
    }
}

/// Notes what happens, in order, from anywhere.
final class Journal: Sendable {
    private let lines = Mutex<[String]>([])
    func note(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

extension Frame {
    /// A message of the tests: a number and as many bytes as wanted.
    static func numbered(_ number: UInt32, size: Int = 4, opcode: Opcode = TestNode.opcode) -> Frame {
        var body = ByteBuffer(integer: number, endianness: .little)
        body.writeRepeatingByte(0, count: max(0, size - 4))
        return Frame(opcode, body: body)
    }

    /// The number of a numbered message.
    var number: UInt32 { body.getInteger(at: body.readerIndex, endianness: .little) ?? .max }
}

/// A numbered message with a type.
struct Numbered: FieldMessage, Equatable {
    var number: UInt32
    var version: UInt32

    init(_ number: UInt32, version: UInt32 = 0) {
        self.number = number
        self.version = version
    }

    init(from reader: inout Reader) throws(WireError) {
        number = try reader.u32("number")
        version = try reader.u32("version")
    }

    func write(to writer: inout Writer) {
        writer.u32(number)
        writer.u32(version)
    }
}

/// A point that both sides pass together.
struct Upgrade: FieldMessage {
    /// How many numbered messages came before it.
    var count: UInt32

    init(after count: UInt32) { self.count = count }
    init(from reader: inout Reader) throws(WireError) { count = try reader.u32("count") }
    func write(to writer: inout Writer) { writer.u32(count) }
}

extension MessageRegistry {
    /// The messages of the tests.
    static var ofTests: MessageRegistry {
        get throws {
            var registry = MessageRegistry()
            try registry.register(Numbered.self, opcode: Opcode(1001))
            try registry.register(Upgrade.self, opcode: Opcode(1002))
            return registry
        }
    }
}
