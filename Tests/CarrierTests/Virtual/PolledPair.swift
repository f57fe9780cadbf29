import CarrierProtocols
import CarrierTransport
import CarrierWire
import NIOCore
import NIOEmbedded
import Testing

@testable import Carrier

/// A node that asks two others on a virtual clock, over links that say what the test wants when they are polled.
final class PolledPair {
    let loop = EmbeddedEventLoop()
    let link = PolledLink.Answer()
    private let client: TestNode
    private let servers: [TestNode]
    private(set) var answers = 0

    init(_ change: (inout NodeConfiguration) -> Void = { _ in }) throws {
        let memory = MemoryTransport()
        let (loop, answer) = (loop, link)
        client = try TestNode(
            VirtualPair.identity(), over: PolledTransport(memory, answer, loop: loop), loop: loop, components: [],
            change)
        servers = try (0..<2).map { _ in
            try TestNode(
                VirtualPair.identity(), over: memory, loop: loop, components: [PingResponder()], change)
        }
        for server in servers {
            let listening = server.core.listen(on: Address(scheme: memory.scheme, host: "127.0.0.1", port: 0))
            loop.run()
            client.core.dial([try listening.wait().pinned(to: server.id)]) { _ in }
            loop.run()
        }
    }

    func connection(_ server: Int = 0) throws -> Connection {
        try #require(client.connection(to: servers[server]))
    }

    func ask(_ server: Int = 0, runs: Bool = true) throws {
        try connection(server).send(
            Ping(payload: ByteBuffer()).frame(), wantsReply: true, within: .seconds(5), .call { _ in self.answers += 1 }
        )
        if runs { loop.run() }
    }

    /// How often a link was polled while `body` ran.
    func polls(during body: () throws -> Void) rethrows -> Int {
        let before = link.polls
        try body()
        return link.polls - before
    }

    func end() throws {
        for node in [client] + servers { _ = node.core.stop() }
        loop.advanceTime(by: .seconds(10))
        #expect(client.core.connections.isEmpty)
        try loop.syncShutdownGracefully()
    }
}

/// Dials links of another transport and makes them ones that can be polled.
private final class PolledTransport: Transport {
    let scheme: Address.Scheme
    private let transport: any Transport
    private let answer: NIOLoopBound<PolledLink.Answer>

    init(_ transport: any Transport, _ answer: PolledLink.Answer, loop: any EventLoop) {
        scheme = transport.scheme
        self.transport = transport
        self.answer = NIOLoopBound(answer, eventLoop: loop)
    }

    func listen(
        on address: Address, loop: any EventLoop, accept: @escaping @Sendable (any Link) -> Void
    ) -> EventLoopFuture<any Listener> {
        transport.listen(on: address, loop: loop, accept: accept)
    }

    func dial(
        _ address: Address, loop: any EventLoop, timeout: Duration,
        completion: @escaping (Result<any Link, LinkError>) -> Void
    ) -> Dialling {
        let answer = answer.value
        return transport.dial(address, loop: loop, timeout: timeout) { result in
            completion(result.map { PolledLink($0, answer) })
        }
    }
}

final class PolledLink: ForwardingLink {
    /// What links say, and how often they were asked.
    final class Answer {
        var hasArrived: Bool? = false
        var polls = 0
    }

    let link: any Link
    private let answer: Answer

    init(_ link: any Link, _ answer: Answer) {
        self.link = link
        self.answer = answer
    }

    var hasArrived: Bool? {
        answer.polls += 1
        return answer.hasArrived
    }
    var delegate: (any LinkDelegate)? {
        get { link.delegate }
        set { link.delegate = newValue }
    }
    func setReading(_ isReading: Bool) { link.setReading(isReading) }
    func close() { link.close() }
}
