import Carrier
import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierTransport
import CarrierWire
import NIOCore
import NIOPosix
import Testing

@Suite("Sessions over UDP", .timeLimit(.minutes(1)))
struct UDPSessionTests {
    @Test("both sides know each other, and pings come back")
    func handshake() async throws {
        try await QUICNodes.withEcho(scheme: .udp) { node, address, echo in
            let peer = try await node.dial([address])
            #expect(peer.id == echo.id)
            for _ in 0..<10 { _ = try await peer.ping(ByteBuffer(string: "hello"), within: .seconds(5)) }
            #expect(await echo.peers.map(\.id) == [node.id])
        }
    }

    @Test("pings get through a path that loses a fifth, doubles and reorders, if they are sent again")
    func loss() async throws {
        try await QUICNodes.withEcho(scheme: .udp) { node, address, _ in
            let path = try await ImpairedPath.start(
                to: address, .init(loss: 0.2, doubling: 0.1, reordering: 0.1, delay: .milliseconds(1)), seed: 3,
                loop: MultiThreadedEventLoopGroup.singleton.any())
            let peer = try await node.dial([path.address])
            var answered = 0
            for _ in 0..<50 {
                if (try? await peer.ping(ByteBuffer(string: "x"), within: .milliseconds(100))) != nil { answered += 1 }
            }
            #expect(answered > 15)
            #expect(answered < 50, "some were lost")
            try await path.move()
            // The session follows to the new port, with the first datagram that gets through.
            var isBack = false
            for _ in 0..<20 where !isBack {
                isBack = (try? await peer.ping(ByteBuffer(string: "y"), within: .milliseconds(200))) != nil
            }
            #expect(isBack)
            await path.close()
        }
    }

    @Test("a frame that does not fit into a datagram is refused at the sender, with the limit")
    func limit() async throws {
        try await QUICNodes.withEcho(scheme: .udp) { node, address, _ in
            let peer = try await node.dial([address])
            let most = Datagram.sizeLimit - Datagram.overhead - Frame.headerSize
            _ = try await peer.ping(ByteBuffer(repeating: 1, count: most), within: .seconds(5))
            await #expect(throws: RequestError.datagramTooLarge(limit: most + 16, got: most + 17)) {
                try await peer.ping(ByteBuffer(repeating: 1, count: most + 1), within: .seconds(5))
            }
            await #expect(throws: RequestError.self) {
                try await peer.send(Frame(Opcode(rawValue: 1000), body: ByteBuffer(repeating: 1, count: 5000)))
            }
        }
    }

    @Test("another peer, or nobody, is told apart")
    func failures() async throws {
        try await QUICNodes.withEcho(scheme: .udp) { node, address, echo in
            let other = try QUICNodes.identity().peerID
            await #expect {
                try await node.dial([address.pinned(to: other)])
            } throws: { error in
                guard case .handshake(_, let reason)? = error as? DialError else { return false }
                return reason == .wrongPeer(expected: other, got: echo.id)
            }
            await #expect {
                try await node.dial([Address(scheme: .udp, host: "127.0.0.1", port: 9)])
            } throws: { error in
                guard case .unreachable(_, .refused)? = error as? DialError else { return false }
                return true
            }
        }
    }

    @Test("a good-bye arrives with its reason")
    func goodbye() async throws {
        try await QUICNodes.withEcho(scheme: .udp) { node, address, echo in
            let peer = try await node.dial([address])
            _ = try await peer.ping(ByteBuffer(string: "x"), within: .seconds(5))
            let seen = try #require(await echo.peers.first)
            await peer.disconnect(.applicationClosed, "enough")
            for _ in 0..<400 {
                if await seen.cause != nil { break }
                try await Task.sleep(for: .milliseconds(5))
            }
            guard case .remote(.applicationClosed, "enough")? = await seen.cause else {
                Issue.record("expected the peer's reason, got \(String(describing: await seen.cause))")
                return
            }
        }
    }
}
