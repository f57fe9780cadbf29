import CarrierProtocols
import CarrierWire
import NIOCore
import Testing

@testable import Carrier

@Suite("Cancelled tasks stop waiting", .serialized, .timeLimit(.minutes(1)))
struct CancellationTests {
    /// Waits until the node waits for so many answers.
    private func outstanding(_ count: Int, at node: Node) async throws {
        for _ in 0..<500 where await node.with({ $0.connections.values.first?.requests.count }) != count {
            try await Task.sleep(for: .milliseconds(2))
        }
        #expect(await node.with { $0.connections.values.first?.requests.count } == count)
    }

    @Test("a request, on the node's loop or off it; a late reply means nothing", arguments: [false, true])
    func request(isOnLoop: Bool) async throws {
        try await NodePair.run { server, client, peer in
            let executor: (any TaskExecutor)? = isOnLoop ? client.executor : nil
            let task = Task(executorPreference: executor) {
                try await peer.request(Numbered(7), for: Numbered.self, within: .seconds(60))
            }
            try await outstanding(1, at: client)
            task.cancel()
            await #expect(throws: RequestError.cancelled) { try await task.value }
            try await outstanding(0, at: client)
            let other = try await server.peer(client.id)
            try await other.send(Frame(Opcode(1001), flags: .reply, nonce: 1, body: Numbered(8).body()))
            try await peer.confirm(within: .seconds(5))
        }
    }

    @Test("one that is cancelled before it begins sends nothing for long")
    func before() async throws {
        try await NodePair.run { _, client, peer in
            let task = Task {
                try? await Task.sleep(for: .seconds(60))
                return try await peer.request(Numbered(7), for: Numbered.self)
            }
            task.cancel()
            await #expect(throws: RequestError.cancelled) { try await task.value }
            try await outstanding(0, at: client)
        }
    }

    @Test("an acknowledged message, and one that waits for room")
    func send() async throws {
        try await NodePair.run {
            $0.limits.send.buffer = 1 << 20
            $0.limits.send.wait = .seconds(60)
            $0.limits.send.full = .seconds(60)
        } _: { server, client, peer in
            let other = try await server.peer(client.id)
            try await other.connection.eventLoop.submit { other.connection.value.setHold(.stream, true) }.get()
            let acknowledged = Task { try await peer.send(Numbered(1), acknowledged: true) }
            try await outstanding(1, at: client)
            acknowledged.cancel()
            await #expect(throws: RequestError.cancelled) { try await acknowledged.value }
            // Nobody reads: sooner or later one waits for room.
            let filling = Task {
                for number in 0..<10_000 { try await peer.send(.numbered(UInt32(number), size: 64 << 10)) }
            }
            for _ in 0..<1000 where await client.with({ $0.connections.values.first?.roomWaiters.isEmpty }) == true {
                try await Task.sleep(for: .milliseconds(2))
            }
            filling.cancel()
            await #expect(throws: RequestError.cancelled) { try await filling.value }
            #expect(await client.with { $0.connections.values.first?.roomWaiters.isEmpty } == true)
        }
    }
}
