import CarrierCrypto
import CarrierProtocols
import CarrierTransport
import CarrierWire
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Carrier

@Suite("The façade over sockets", .serialized, .timeLimit(.minutes(2)))
struct FacadeTests {
    private struct Recorder: AsyncComponent {
        let name: String
        let journal: Journal
        var claims: UInt32 = .max
        let opcodes = [Opcode(1001)]

        func started(_ node: Node) async throws { journal.note("\(name) started") }
        func connected(_ peer: Peer) async throws { journal.note("\(name) up") }
        func receive(_ message: Frame, from peer: Peer) async throws -> Bool {
            let number = try Numbered(body: message.body).number
            journal.note("\(name) \(number)")
            if message.flags.contains(.request), number != claims { return false }
            if message.flags.contains(.request) { try await peer.reply(to: message, with: Numbered(number + 1)) }
            return number == claims
        }
        func disconnected(_ peer: Peer, _ cause: DisconnectCause) async throws { journal.note("\(name) down") }
        func stopped() async throws { journal.note("\(name) stopped") }
    }

    @Test(
        "components hear everything in order, from start to clean-up, and a component replies",
        arguments: TestTransport.all)
    func components(over transport: TestTransport) async throws {
        let journal = Journal()
        let application = [Recorder(name: "a", journal: journal, claims: 7), Recorder(name: "b", journal: journal)]
        try await NodePair.run(over: transport, application: application) { _, _, peer in
            try await peer.send(Numbered(1), acknowledged: true)
            let reply = try await peer.request(Numbered(7), for: Numbered.self)
            #expect(reply == Numbered(8))
            try await peer.send(Numbered(2), acknowledged: true)
        }
        #expect(
            journal.all == [
                "a started", "b started", "a up", "b up", "a 1", "b 1", "a 7", "a 2", "b 2", "a down", "b down",
                "a stopped", "b stopped",
            ])
    }

    /// Whoever calls from here runs on an executor of its own.
    private actor Caller {
        func use(_ peer: Peer) async throws -> Numbered {
            try await peer.send(Numbered(1))
            try await peer.send(Numbered(2), acknowledged: true)
            return try await peer.request(Numbered(7), for: Numbered.self, within: .seconds(5))
        }
    }

    @Test("an actor sends, has it acknowledged and asks, and so does the main one")
    func actors() async throws {
        let application = [Recorder(name: "a", journal: Journal(), claims: 7)]
        try await NodePair.run(application: application) { _, _, peer in
            let reply = try await Caller().use(peer)
            #expect(reply == Numbered(8))
            let main = Task { @MainActor in
                try await peer.request(Numbered(7), for: Numbered.self, within: .seconds(5))
            }
            let another = try await main.value
            #expect(another == Numbered(8))
        }
    }

    @Test("a request has its time", arguments: TestTransport.all)
    func requestTimeout(over transport: TestTransport) async throws {
        try await NodePair.run(over: transport) { _, _, peer in
            let start = ContinuousClock.now
            await #expect(throws: RequestError.timeout(.milliseconds(200))) {
                _ = try await peer.request(Numbered(1), for: Numbered.self, within: .milliseconds(200))
            }
            #expect(ContinuousClock.now - start >= .milliseconds(200))
            try await peer.confirm(within: .seconds(5))
        }
    }

    @Test(
        "a peer that does not read fills the buffer, sends fail in time, and it is dropped",
        arguments: TestTransport.streams)
    func sendBuffer(over transport: TestTransport) async throws {
        try await NodePair.run(over: transport) {
            $0.limits.send.buffer = 1 << 20
            $0.limits.send.wait = .milliseconds(200)
            $0.limits.send.full = .milliseconds(600)
        } _: { server, client, peer in
            let other = try await server.peer(client.id)
            // The node's own back-pressure would do the same after its megabyte; here not a byte is read.
            other.connection.eventLoop.execute { other.connection.value.setHold(.stream, true) }
            var failure: (any Error)?
            do {
                for number in 0..<2000 { try await peer.send(.numbered(UInt32(number), size: 64 << 10)) }
            } catch { failure = error }
            #expect(failure as? RequestError == .sendBufferFull(limit: 1 << 20))
            let waiting = await client.with { $0.connections.values.first?.session?.waitingBytes ?? 0 }
            #expect(waiting <= 1 << 20)
            for _ in 0..<200 where await peer.cause == nil { try await Task.sleep(for: .milliseconds(10)) }
            guard case .local(.sendBufferFull, _) = await peer.cause else {
                Issue.record("expected the peer to be dropped")
                return
            }
        }
    }

    @Test("a dribbled frame, a silent peer and a hanging component have their times")
    func otherTimeouts() async throws {
        struct Hanging: AsyncComponent {
            let opcodes = [Opcode(1001)]
            func receive(_ message: Frame, from peer: Peer) async throws -> Bool {
                try await Task.sleep(for: .seconds(60))
                return true
            }
        }
        try await NodePair.run(application: [Hanging()]) {
            $0.limits.receive.frame = .milliseconds(200)
            $0.limits.receive.processing = .milliseconds(100)
            $0.limits.idle.keepalive = nil
            $0.limits.idle.drop = .seconds(1)
        } _: { server, client, peer in
            try await peer.send(Numbered(1), acknowledged: true)
            for _ in 0..<100 where await server.statistics.componentFailures == 0 {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(await server.statistics.componentFailures == 1)
            try await peer.confirm(within: .seconds(5))
            // The beginning of a record.
            await client.with { core in
                core.connections.values.first?.session?.link.write(ByteBuffer(bytes: [64, 0, 1]))
                core.connections.values.first?.session?.link.flush()
            }
            for _ in 0..<200 where await peer.cause == nil { try await Task.sleep(for: .milliseconds(10)) }
            guard case .remote(.receiveTimeout, _) = await peer.cause else {
                Issue.record("expected a receive timeout, got \(String(describing: await peer.cause))")
                return
            }
            let again = try await client.dial([peer.info.address])
            for _ in 0..<300 where await again.cause == nil { try await Task.sleep(for: .milliseconds(10)) }
            switch await again.cause {
            case .remote(.idleTimeout, _), .local(.idleTimeout, _): break
            case let cause: Issue.record("expected an idle timeout, got \(String(describing: cause))")
            }
        }
    }

    @Test("a dial and a handshake have their times")
    func dialTimeouts() async throws {
        let configuration = try NodePair.configuration {
            $0.limits.dial.timeout = .milliseconds(300)
            $0.limits.handshake.deadline = .milliseconds(300)
        }
        try await Node.run(configuration) { node in
            // Somebody who accepts and says nothing.
            let silent = try ListeningSocket(backlog: 16)
            await #expect { try await node.dial([silent.address]) } throws: { error in
                if case DialError.handshake(_, .timeout(.milliseconds(300))) = error { true } else { false }
            }
            // Somebody whose queue is full: the system answers no more.
            let full = try ListeningSocket(backlog: 0)
            try full.fill()
            let start = ContinuousClock.now
            await #expect { try await node.dial([full.address]) } throws: { error in
                if case DialError.timeout(_, .milliseconds(300)) = error { true } else { false }
            }
            #expect(ContinuousClock.now - start >= .milliseconds(300))
            #expect(await node.limits.first { $0.name == .dial }?.reached == 1)
        }
    }

    @Test("messages come in order, and who takes them slowly loses none", arguments: TestTransport.streams)
    func messages(over transport: TestTransport) async throws {
        try await NodePair.run(over: transport) {
            $0.limits.receive.waiting = 64 << 10
            $0.limits.send.wait = .seconds(30)
        } _: { server, client, peer in
            let other = try await server.peer(client.id)
            let total: UInt32 = 20_000
            async let sending: Void = {
                for number in 0..<(total - 1) { try await peer.send(Numbered(number)) }
                // The receiver is slower than a good-bye may take.
                try await peer.send(Numbered(total - 1), acknowledged: true)
                await peer.disconnect(.shutdown)
            }()
            var next: UInt32 = 0
            var most = 0
            for try await message in other.messages(of: Numbered.self) {
                #expect(message.number == next)
                next += 1
                if next % 1000 == 0 {
                    try await Task.sleep(for: .milliseconds(2))
                    most = max(most, await server.with { $0.connections.values.first?.inbox.bytes ?? 0 })
                }
            }
            try await sending
            #expect(next == total)
            #expect(most < 8 << 20, "\(most) bytes waited")
        }
    }

    @Test(
        "two nodes upgrade at a point under load in both directions, again and again", arguments: TestTransport.streams)
    func upgrades(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        let messages = try NodePair.messages.get()
        let (one, two) = (
            try network.configuration { $0.messages = messages }, try network.configuration { $0.messages = messages }
        )
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await Node.run(one, on: loop) { server in
            let address = try await server.listen(on: network.anywhere)
            try await Node.run(two, on: loop) { client in
                for round in 0..<50 {
                    let peer = try await client.dial([address])
                    let other = try await server.peer(client.id)
                    let sides = [(ReceiveLockTests.Side(), peer), (ReceiveLockTests.Side(), other)]
                    let armed = Journal()
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (side, peer) in sides {
                            group.addTask(executorPreference: server.executor) {
                                armed.note("armed")
                                try await side.upgrade(with: peer) { await Task.yield() }
                            }
                            group.addTask(executorPreference: server.executor) {
                                for try await message in peer.messages(of: Numbered.self) {
                                    side.take(message)
                                    if message.number == 2 * side.lines - 1 { return }
                                }
                            }
                        }
                        while armed.all.count < 2 { await Task.yield() }
                        try await Task.sleep(for: .milliseconds(1))
                        for (side, peer) in sides {
                            group.addTask { try await side.run(with: peer) { await Task.yield() } }
                        }
                        try await group.waitForAll()
                    }
                    for (side, _) in sides { try side.check("round \(round)") }
                    await peer.disconnect()
                    for _ in 0..<500 where await !server.peers.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
                }
            }
        }
    }

    @Test("leaving the scope ends every call that still waits", arguments: TestTransport.all)
    func scope(over transport: TestTransport) async throws {
        let network = TestNetwork(transport)
        let messages = try NodePair.messages.get()
        try await Node.run(
            network.configuration {
                $0.acceptsUnregistered = true; $0.messages = messages
            }
        ) { server in
            let address = try await server.listen(on: network.anywhere)
            let held = Outcome<Peer>()
            let waiting = try await Node.run(network.configuration { $0.messages = messages }) { client in
                let peer = try await client.dial([address])
                held.set(.success(peer))
                let waiting = Task { try await peer.request(Numbered(1), for: Numbered.self, within: .seconds(60)) }
                try await peer.confirm(within: .seconds(5))
                return waiting
            }
            await #expect(throws: RequestError.disconnected(.local(.shutdown, ""))) { _ = try await waiting.value }
            let peer = try #require(held.value)
            await #expect(throws: RequestError.disconnected(.local(.shutdown, ""))) { try await peer.send(Numbered(1)) }
            for _ in 0..<200 where await !server.peers.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            #expect(await server.peers.isEmpty)
        }
    }
}

/// A socket that listens and never accepts.
final class ListeningSocket: Sendable {
    private let descriptor: Int32
    private let fillers = Mutex<[Int32]>([])
    let address: Address

    init(backlog: Int32) throws {
        descriptor = Self.socket()
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        withUnsafeMutableBytes(of: &name.sin_addr) { $0.storeBytes(of: UInt32(0x7f00_0001).bigEndian, as: UInt32.self) }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let file = descriptor
        let isListening = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, size) == 0 && listen(file, backlog) == 0 && getsockname(file, $0, &size) == 0
            }
        }
        try #require(isListening)
        address = Address(scheme: .tcp, host: "127.0.0.1", port: UInt16(bigEndian: name.sin_port))
    }

    private static func socket() -> Int32 { Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK, 0) }

    /// Connects until the system takes no more.
    func fill() throws {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        withUnsafeMutableBytes(of: &name.sin_addr) { $0.storeBytes(of: UInt32(0x7f00_0001).bigEndian, as: UInt32.self) }
        name.sin_port = address.port.bigEndian
        for _ in 0..<4 {
            let file = Self.socket()
            withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            fillers.withLock { $0.append(file) }
        }
        usleep(50_000)
    }

    deinit {
        for file in fillers.withLock({ $0 }) + [descriptor] { close(file) }
    }
}
