#if QUIC
    import Carrier
    import CarrierProtocols
    import CarrierQUIC
    import CarrierTesting
    import CarrierTransport
    import CarrierWire
    import NIOCore
    import NIOPosix
    import Testing

    @testable import Carrier

    @Suite("QUIC, when something goes wrong", .serialized, .timeLimit(.minutes(1)))
    struct QUICFaultTests {
        private let network = TestNetwork(.quic)

        /// Runs `body` with a connection over a path that can be tampered with.
        private func withPath(
            _ identity: Identity? = nil,
            _ body: @Sendable (_ client: Node, Peer, _ server: Node, ImpairedPath) async throws -> Void
        ) async throws {
            let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())
            try await Node.run(network.configuration(identity), on: loops.first) { server in
                let address = try await server.listen(on: network.anywhere)
                let path = try await ImpairedPath.start(to: address, .init(), seed: 1, loop: loops[0])
                try await Node.run(network.configuration(), on: loops.last) { client in
                    let peer = try await client.dial([path.address])
                    _ = try await peer.ping(ByteBuffer(string: "x"), within: .seconds(5))
                    try await body(client, peer, server, path)
                }
                await path.close()
            }
        }

        @Test("a node that was started again resets the connections of its last run at once")
        func statelessReset() async throws {
            let identity = try TestIdentity.make()
            try await withPath(identity) { _, peer, _, path in
                try await Node.run(network.configuration(identity)) { next in
                    try await path.lead(to: next.listen(on: network.anywhere))
                    let start = ContinuousClock.now
                    let lost = Task { try await peer.ping(ByteBuffer(string: "are you there?"), within: .seconds(5)) }
                    guard case .broken(let text) = try await peer.ending() else {
                        Issue.record("expected a broken connection, got \(String(describing: await peer.cause))")
                        return
                    }
                    #expect(text.contains("does not know this connection any more"), "\(text)")
                    #expect(ContinuousClock.now - start < .seconds(1))
                    await #expect(throws: RequestError.self) { _ = try await lost.value }
                }
            }
        }

        @Test("a reset that another node makes up ends nothing")
        func forgedReset() async throws {
            try await withPath { _, peer, _, path in
                // It cannot know the secret from which the tokens are made.
                try await Node.run(network.configuration()) { other in
                    try await path.lead(to: other.listen(on: network.anywhere))
                    _ = try? await peer.ping(ByteBuffer(string: "are you there?"), within: .milliseconds(300))
                    #expect(await peer.cause == nil)
                }
            }
        }

        @Test("an end that got lost is said again to whoever goes on sending")
        func closeAgain() async throws {
            try await withPath { client, peer, server, path in
                await path.change(to: .init(loss: 1))
                // Without a good-bye: one packet says all.
                await server.with { $0.connections.values.first?.session?.link.close() }
                try await Task.sleep(for: .milliseconds(10))
                await path.change(to: .init())
                #expect(await peer.cause == nil, "it cannot know yet")
                let start = ContinuousClock.now
                let lost = Task { try await peer.ping(ByteBuffer(string: "hello?"), within: .seconds(5)) }
                _ = try await peer.ending()
                // Not by the idle timeout, which is 30 s.
                #expect(ContinuousClock.now - start < .seconds(2))
                await #expect(throws: RequestError.self) { _ = try await lost.value }
            }
        }

        @Test("an idle connection is kept alive by its transport, and a dead one is noticed")
        func keepAlive() async throws {
            try await withPath { _, peer, _, path in
                try await Task.sleep(for: .seconds(1))
                let before = await path.counts.seen
                try await Task.sleep(for: .seconds(11))
                let after = await path.counts.seen
                #expect(after > before && after < before + 20, "\(before) became \(after)")
                _ = try await peer.ping(ByteBuffer(string: "still there"), within: .seconds(5))
            }
        }

        private static let much = ByteBuffer(repeating: 7, count: 60_000)

        @Test("datagrams to this machine grow with what is sent, and shrink when they do not arrive any more")
        func growth() async throws {
            try await withPath { _, peer, _, path in
                #expect(await path.largestSeen < 1_500, "little was sent")
                for _ in 0..<5 { _ = try await peer.ping(Self.much, within: .seconds(5)) }
                #expect(await path.largestSeen > 8_000)
                await path.change(to: .init(largest: 1_400))
                // The last packet of these arrives, and the rest of them has to be sent again in small ones.
                let long = ByteBuffer(repeating: 7, count: 3_000_001)
                let time = try await peer.ping(long, within: .seconds(10))
                #expect(time < .seconds(2), "it took \(time)")
                for _ in 0..<5 { _ = try await peer.ping(Self.much, within: .seconds(5)) }
                await path.change(to: .init(largest: 1_400))
                for _ in 0..<5 { _ = try await peer.ping(Self.much, within: .seconds(5)) }
                #expect(await path.largestSeen < 1_500)
            }
        }

        @Test("a forwarder to somewhere far is found out by a probe, without a pause, beside small messages too")
        func blackHole() async throws {
            try await withPath { _, peer, _, path in
                await path.change(to: .init(largest: 1_400))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while !Task.isCancelled {
                            _ = try await peer.ping(ByteBuffer(string: "small"), within: .seconds(5))
                            try? await Task.sleep(for: .milliseconds(3))
                        }
                    }
                    for size in [2_000, 5_000, 10_000, 60_000, 5_000, 60_000] {
                        let time = try await peer.ping(ByteBuffer(repeating: 7, count: size), within: .seconds(5))
                        #expect(time < .milliseconds(500), "\(size) bytes took \(time)")
                    }
                    group.cancelAll()
                }
                // One probe of each side, and no more for a while.
                #expect(await path.counts.lost <= 2)
                #expect(await path.largestSeen > 8_000)
            }
        }

        @Test("row 33: an address that was not proved is sent at most three times what it sent", arguments: [1, 3])
        func amplification(packets: Int) async throws {
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            try await Node.run(network.configuration(), on: loop) { server in
                let address = try await server.listen(on: network.anywhere)
                let first = try await FirstPacket.record(
                    of: QUICTransport(identity: TestIdentity.make()), on: loop)
                let target = try SocketAddress(ipAddress: "127.0.0.1", port: Int(address.port))
                let socket = try await DatagramSocket.open(
                    on: target, remote: target, usesOffload: false, loop: loop
                ).get()
                let counter = try await loop.submit {
                    let counter = ByteCounter()
                    socket.value.delegate = counter
                    for _ in 0..<packets {
                        first.withUnsafeReadableBytes { socket.value.send($0, segment: $0.count, to: nil) }
                    }
                    return NIOLoopBound(counter, eventLoop: loop)
                }.get()
                // Long enough for everything that is sent again.
                try await Task.sleep(for: .seconds(3))
                let count = try await loop.submit { counter.value.count }.get()
                #expect(count > 0 && count <= 3 * packets * first.readableBytes, "\(count) bytes")
                try await loop.submit { socket.value.close() }.get()
            }
        }

        @Test("first packets that are too short, of another version, or noise cost nothing")
        func noise() async throws {
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            try await Node.run(network.configuration(), on: loop) { server in
                let address = try await server.listen(on: network.anywhere)
                let first = try await FirstPacket.record(
                    of: QUICTransport(identity: TestIdentity.make()), on: loop)
                let target = try SocketAddress(ipAddress: "127.0.0.1", port: Int(address.port))
                let socket = try await DatagramSocket.open(
                    on: target, remote: target, usesOffload: false, loop: loop
                ).get()
                let counter = try await loop.submit { () -> NIOLoopBound<ByteCounter> in
                    let counter = ByteCounter()
                    socket.value.delegate = counter
                    var random = SeededRandom(4)
                    for index in 0..<2000 {
                        var bytes = index % 3 == 0 ? first : ByteBuffer(bytes: random.bytes(random.int(1...1199)))
                        if index % 3 == 0 { bytes.moveWriterIndex(to: bytes.readerIndex + random.int(1...1199)) }
                        if index % 3 == 1 { bytes.setInteger(UInt8(0xc0), at: 0) }
                        bytes.withUnsafeReadableBytes { socket.value.send($0, segment: $0.count, to: nil) }
                    }
                    return NIOLoopBound(counter, eventLoop: loop)
                }.get()
                try await Task.sleep(for: .milliseconds(300))
                let (count, datagrams) = try await loop.submit { (counter.value.count, counter.value.datagrams) }.get()
                // Packets that look like those of a connection of before are answered by resets: few, and shorter.
                #expect(datagrams <= 100 && count <= 100 * 48, "\(datagrams) answers of \(count) bytes in all")
                try await Node.run(network.configuration()) { node in
                    _ = try await node.dial([address]).ping(ByteBuffer(string: "well"), within: .seconds(5))
                }
                try await loop.submit { socket.value.close() }.get()
            }
        }
    }

    /// Counts what comes.
    private final class ByteCounter: DatagramSocketDelegate {
        var count = 0
        var datagrams = 0

        func socketDidRead(_ bytes: ByteBuffer, segment: Int, from remote: SocketAddress, to local: SocketAddress) {
            count += bytes.readableBytes
            datagrams += 1
        }
        func socketDidReadAll() {}
        func socketDidDrain() {}
        func socketWasRefused() {}
        func socketDidClose() {}
    }

    /// The first datagram of a dial.
    enum FirstPacket {
        private final class Recorder: DatagramSocketDelegate {
            let promise: EventLoopPromise<ByteBuffer>
            init(_ promise: EventLoopPromise<ByteBuffer>) { self.promise = promise }
            func socketDidRead(
                _ bytes: ByteBuffer, segment: Int, from remote: SocketAddress, to local: SocketAddress
            ) {
                promise.succeed(bytes)
            }
            func socketDidReadAll() {}
            func socketDidDrain() {}
            func socketWasRefused() {}
            func socketDidClose() {}
        }

        static func record(of transport: QUICTransport, on loop: any EventLoop) async throws -> ByteBuffer {
            let socket = try await DatagramSocket.open(
                on: SocketAddress(ipAddress: "127.0.0.1", port: 0), usesOffload: false, loop: loop
            ).get()
            return try await loop.flatSubmit {
                let promise = loop.makePromise(of: ByteBuffer.self)
                let recorder = Recorder(promise)
                socket.value.delegate = recorder
                let port = UInt16(truncatingIfNeeded: socket.value.localAddress.port ?? 0)
                _ = transport.dial(
                    Address(scheme: .quic, host: "127.0.0.1", port: port), loop: loop, timeout: .seconds(5)
                ) { _ in }
                return promise.futureResult.map { bytes in
                    NIOLoopBound(socket.value, eventLoop: loop).value.close()
                    return bytes
                }
            }.get()
        }
    }
#endif
