#if QUIC
    import CarrierQUIC
    import CarrierTransport
    import CarrierWire
    import NIOCore
    import NIOPosix
    import Testing

    @Suite("QUIC links", .timeLimit(.minutes(1)))
    struct QUICLinkTests {
        /// Counts what comes, and keeps the link.
        private final class Sink: LinkDelegate {
            var link: (any Link)?
            var count = 0
            var end: LinkError?
            var onWritable: () -> Void = {}

            func linkDidRead(_ bytes: ByteBuffer) { count += bytes.readableBytes }
            func linkDidReadAll() {}
            func linkDidChangeWritability() { onWritable() }
            func linkDidClose(_ error: LinkError) { end = error }
        }

        @Test("who does not read makes the other side stop; nothing is lost when it reads again")
        func slowReader() async throws {
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let server = QUICTransport(identity: try TestIdentity.make())
            let client = QUICTransport(identity: try TestIdentity.make())
            let reader = try await loop.submit { NIOLoopBound(Sink(), eventLoop: loop) }.get()
            let writer = try await loop.submit { NIOLoopBound(Sink(), eventLoop: loop) }.get()
            let sent = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: loop)
            let total = 24 << 20
            let listener = try await server.listen(
                on: Address(scheme: .quic, host: "127.0.0.1", port: 0), loop: loop
            ) { link in
                reader.value.link = link
                link.setReading(false)
                link.delegate = reader.value
            }.get()
            try await loop.submit {
                let chunk = ByteBuffer(repeating: 7, count: 32 << 10)
                _ = client.dial(listener.address, loop: loop, timeout: .seconds(5)) { result in
                    guard case .success(let link) = result else { return }
                    writer.value.link = link
                    writer.value.onWritable = { [weak link] in
                        guard let link else { return }
                        while link.isWritable, sent.value < total {
                            link.write(chunk)
                            sent.value += chunk.readableBytes
                        }
                        link.flush()
                    }
                    link.delegate = writer.value
                    writer.value.onWritable()
                }
            }.get()
            try await Task.sleep(for: .milliseconds(800))
            let stopped = try await loop.submit { (sent.value, reader.value.count) }.get()
            #expect(stopped.0 > 1 << 20, "it began to send")
            #expect(stopped.0 < 10 << 20, "a window and a buffer, not more")
            #expect(stopped.1 == 0)
            try await loop.submit { reader.value.link?.setReading(true) }.get()
            for _ in 0..<1000 {
                if try await loop.submit({ reader.value.count }).get() == total { break }
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try await loop.submit { reader.value.count }.get() == total)
            try await loop.submit {
                writer.value.link?.finish()
                reader.value.link?.finish()
            }.get()
            for _ in 0..<300 {
                if try await loop.submit({ reader.value.end != nil && writer.value.end != nil }).get() { break }
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try await loop.submit { reader.value.end }.get() == .endOfStream)
            #expect(try await loop.submit { writer.value.end }.get() == .endOfStream)
            try await listener.close().get()
        }

        @Test("a flood of first packets from made-up addresses leaves room for who comes back with a token")
        func retry() async throws {
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let server = QUICTransport(identity: try TestIdentity.make())
            let client = QUICTransport(identity: try TestIdentity.make())
            let accepted = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: loop)
            let listener = try await server.listen(
                on: Address(scheme: .quic, host: "127.0.0.1", port: 0), loop: loop
            ) { _ in accepted.value += 1 }.get()
            // Half of a handshake each: their answers go to sockets that nobody reads.
            let target = try SocketAddress(ipAddress: "127.0.0.1", port: Int(listener.address.port))
            let first = try await FirstPacket.record(of: client, on: loop)
            for index in 0..<40 {
                var packet = first
                // Another connection id each: it does not authenticate, but the server cannot know before it has keys.
                packet.setInteger(UInt64(index) &* 0x1234_5678_9abc_def1, at: packet.readerIndex + 6)
                let socket = try await DatagramSocket.open(on: target, remote: target, usesOffload: false, loop: loop)
                    .get()
                try await loop.submit { [packet] in
                    packet.withUnsafeReadableBytes { socket.value.send($0, segment: $0.count, to: nil) }
                    socket.value.close()
                }.get()
            }
            let outcome: Result<Void, LinkError> = try await loop.flatSubmit {
                let promise = loop.makePromise(of: Result<Void, LinkError>.self)
                _ = client.dial(listener.address, loop: loop, timeout: .seconds(5)) { result in
                    promise.succeed(result.map { $0.close() })
                }
                return promise.futureResult
            }.get()
            guard case .success = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(try await loop.submit { accepted.value }.get() == 1)
            try await listener.close().get()
        }
    }
#endif
