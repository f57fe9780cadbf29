#if QUIC
    import Carrier
    import CarrierCrypto
    import CarrierProtocols
    import CarrierTesting
    import CarrierTransport
    import CarrierWire
    import NIOCore
    import NIOPosix
    import Testing

    @Suite("Sessions over QUIC", .timeLimit(.minutes(2)))
    struct QUICSessionTests {
        @Test("both sides know each other, and a ping comes back")
        func handshake() async throws {
            try await QUICNodes.withEcho { node, address, echo in
                let peer = try await node.dial([address])
                #expect(peer.id == echo.id)
                #expect(await echo.peers.map(\.id) == [node.id])
                _ = try await peer.ping(ByteBuffer(string: "hello"), within: .seconds(5))
                #expect(peer.info.observedAddress.hasPrefix("quic://127.0.0.1:"))
            }
        }

        @Test("64 MiB come back equal to the byte")
        func echo() async throws {
            try await QUICNodes.withEcho { node, address, _ in
                let peer = try await node.dial([address])
                #expect(try await QUICNodes.echoes(64 << 20, through: peer))
            }
        }

        @Test("an empty stream ends in both directions")
        func empty() async throws {
            try await QUICNodes.withEcho { node, address, _ in
                let peer = try await node.dial([address])
                #expect(try await QUICNodes.echoes(0, through: peer))
            }
        }

        @Test("another peer than the one that was dialled is refused by its name")
        func wrongPeer() async throws {
            try await QUICNodes.withEcho { node, address, echo in
                let other = try QUICNodes.identity().peerID
                await #expect {
                    try await node.dial([address.pinned(to: other)])
                } throws: { error in
                    guard case .handshake(_, let reason)? = error as? DialError else { return false }
                    return reason == .wrongPeer(expected: other, got: echo.id)
                }
            }
        }

        @Test("another network is named on the dialling side")
        func wrongNetwork() async throws {
            try await QUICNodes.withEcho { _, address, _ in
                var configuration = QUICNodes.configuration(try QUICNodes.identity())
                configuration.network = 9
                try await Node.run(configuration) { stranger -> Void in
                    await #expect {
                        try await stranger.dial([address])
                    } throws: { error in
                        guard case .handshake(_, let reason)? = error as? DialError else { return false }
                        return reason == .networkMismatch(ours: 9, theirs: 1)
                    }
                }
            }
        }

        @Test("a node that dials itself is told so")
        func itself() async throws {
            try await QUICNodes.withEcho { _, address, echo in
                await #expect {
                    try await echo.dial([address.pinned(to: nil)])
                } throws: { error in
                    guard case .handshake(_, .dialledSelf)? = error as? DialError else { return false }
                    return true
                }
            }
        }

        @Test("a port where nobody listens refuses at once")
        func nobody() async throws {
            try await Node.run(QUICNodes.configuration(try QUICNodes.identity())) { node -> Void in
                let start = ContinuousClock.now
                await #expect {
                    try await node.dial([Address(scheme: .quic, host: "127.0.0.1", port: 9)])
                } throws: { error in
                    guard case .unreachable(_, .refused)? = error as? DialError else { return false }
                    return true
                }
                #expect(ContinuousClock.now - start < .seconds(3))
            }
        }

        @Test("a good-bye arrives with its reason, from either side", arguments: [true, false])
        func goodbye(fromDialler: Bool) async throws {
            try await QUICNodes.withEcho { node, address, echo in
                let peer = try await node.dial([address])
                var other = await echo.peers.first
                for _ in 0..<200 where other == nil {
                    try await Task.sleep(for: .milliseconds(5))
                    other = await echo.peers.first
                }
                let seen = try #require(other)
                let (leaving, staying) = fromDialler ? (peer, seen) : (seen, peer)
                await leaving.disconnect(.applicationClosed, "enough")
                for _ in 0..<400 {
                    if await staying.cause != nil { break }
                    try await Task.sleep(for: .milliseconds(5))
                }
                guard case .remote(.applicationClosed, "enough")? = await staying.cause else {
                    Issue.record("expected the peer's reason, got \(String(describing: await staying.cause))")
                    return
                }
            }
        }

        @Test("a path that loses datagrams delays a transfer and changes nothing", arguments: [0.01, 0.05, 0.2])
        func loss(share: Double) async throws {
            try await QUICNodes.withEcho { node, address, _ in
                let path = try await ImpairedPath.start(
                    to: address, .init(loss: share, doubling: 0.01, reordering: 0.01), seed: 7,
                    loop: MultiThreadedEventLoopGroup.singleton.any())
                let peer = try await node.dial([path.address])
                #expect(try await QUICNodes.echoes(256 << 10, through: peer))
                #expect(await path.counts.lost > 0)
                await path.close()
            }
        }

        @Test("50 ms of delay each way are borne")
        func delay() async throws {
            try await QUICNodes.withEcho { node, address, _ in
                let path = try await ImpairedPath.start(
                    to: address, .init(delay: .milliseconds(50)), seed: 1,
                    loop: MultiThreadedEventLoopGroup.singleton.any())
                let peer = try await node.dial([path.address])
                #expect(try await peer.ping(ByteBuffer(string: "far"), within: .seconds(5)) >= .milliseconds(100))
                #expect(try await QUICNodes.echoes(1 << 20, through: peer))
                await path.close()
            }
        }

        @Test("a transfer goes on when the dialler's address changes under it")
        func move() async throws {
            try await QUICNodes.withEcho { node, address, _ in
                let path = try await ImpairedPath.start(
                    to: address, .init(delay: .milliseconds(2)), seed: 1,
                    loop: MultiThreadedEventLoopGroup.singleton.any())
                let peer = try await node.dial([path.address])
                async let same = QUICNodes.echoes(8 << 20, through: peer)
                for _ in 0..<3 {
                    try await Task.sleep(for: .milliseconds(60))
                    try await path.move()
                }
                #expect(try await same)
                await path.close()
            }
        }
    }
#endif
