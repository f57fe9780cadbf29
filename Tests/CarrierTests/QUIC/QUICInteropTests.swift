#if QUIC
    import Carrier
    import CarrierTransport
    import CarrierWire
    import Glibc
    import NIOCore
    import NIOPosix
    import Testing

    /// `Tests/Interop/aioquic_peer.py` as a child process whose output is read line by line.
    // One line is read after the other, never two at once.
    private final class PythonPeer: @unchecked Sendable {
        private static let script =
            #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
            + "/Interop/aioquic_peer.py"

        /// Whether Python has aioquic.
        static let isThere: Bool = {
            let probe = popen("python3 -c 'import aioquic' 2>/dev/null", "r")
            guard let probe else { return false }
            return pclose(probe) == 0
        }()

        private let stream: UnsafeMutablePointer<FILE>

        init(_ arguments: String) throws {
            stream = try #require(popen("exec python3 '\(Self.script)' \(arguments) 2>&1", "r"))
        }

        /// The next line; empty at the end. Waits on a thread of its own.
        func line() async -> String {
            nonisolated(unsafe) let stream = stream
            return await withCheckedContinuation { continuation in
                NIOThreadPool.singleton.submit { _ in
                    var room = [CChar](repeating: 0, count: 4096)
                    let isRead = fgets(&room, 4096, stream) != nil
                    let bytes = room.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
                    continuation.resume(returning: isRead ? String(decoding: bytes, as: UTF8.self) : "")
                }
            }
        }

        /// What is left of the output, at most 50 lines of it.
        func rest() async -> String {
            var text = ""
            for _ in 0..<50 {
                let next = await line()
                if next.isEmpty { break }
                text += next + "\n"
            }
            return text
        }

        func close() { pclose(stream) }
    }

    @Suite("QUIC with aioquic", .enabled(if: PythonPeer.isThere, "needs python3 with aioquic"), .timeLimit(.minutes(1)))
    struct QUICInteropTests {
        @Test("aioquic dials: handshake, ping, 200 kB through an echo")
        func dialledBy() async throws {
            try await TestNetwork(.quic).withEcho { _, address, echo in
                let python = try PythonPeer("client \(address.port)")
                let output = await python.rest()
                python.close()
                #expect(output == "ok \(echo.id)\n")
            }
        }

        @Test("aioquic without a certificate is refused with TLS alert 116")
        func withoutCertificate() async throws {
            try await TestNetwork(.quic).withEcho { _, address, echo in
                let python = try PythonPeer("nobody \(address.port)")
                let output = await python.rest()
                python.close()
                #expect(output == "0x174\n")
                #expect(await echo.peers.isEmpty)
            }
        }

        @Test("aioquic listens: handshake and pings")
        func dials() async throws {
            let python = try PythonPeer("server")
            let words = await python.line().split(separator: " ").map(String.init)
            try #require(words.count == 3, "\(words)")
            let address = try Address("quic://\(words[2])@127.0.0.1:\(words[1])")
            try await Node.run(TestNetwork(.quic).configuration()) { node in
                let peer = try await node.dial([address])
                for _ in 0..<3 { _ = try await peer.ping(ByteBuffer(string: "interop"), within: .seconds(5)) }
                await peer.disconnect()
                let output = await python.rest()
                python.close()
                #expect(output == "ok \(node.id)\n")
            }
        }
    }
#endif
