import Carrier
import CarrierCrypto
import CarrierProtocols
import CarrierTransport
import CarrierWire
import Glibc
import NIOCore
import NIOPosix
import Testing

/// Two nodes on two loops, one of which listens.
enum QUICNodes {
    static func identity() throws -> Identity {
        Identity(key: try Ed25519.SigningKey.generate(), puzzleNonce: .zero)
    }

    static func configuration(_ identity: Identity) -> NodeConfiguration {
        var configuration = NodeConfiguration(identity: identity)
        configuration.minimum = Puzzle.Difficulty(staticBits: 0, dynamicBits: 0)
        return configuration
    }

    /// Runs `body` with a node that dials and the address of one that echoes the streams of all who dial it.
    static func withEcho(
        scheme: Address.Scheme = .quic,
        _ body: @escaping @Sendable (Node, Address, _ echo: Node) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let (first, second) = (group.next(), group.next())
        let listening = configuration(try identity())
        let dialling = configuration(try identity())
        try await Node.run(listening, on: first) { echo in
            let address = try await echo.listen(on: Address(scheme: scheme, host: "127.0.0.1", port: 0))
            let serving = Task {
                for await event in echo.events {
                    guard case .connected(let peer) = event else { continue }
                    Task { _ = await peer.echo() }
                }
            }
            defer { serving.cancel() }
            try await Node.run(dialling, on: second) { node in try await body(node, address, echo) }
        }
        try await group.shutdownGracefully()
    }

    /// Sends `size` random bytes through the peer's echo; whether the same came back.
    static func echoes(_ size: Int, through peer: Peer) async throws -> Bool {
        let bytes = SystemRandom.bytes(size)
        let input = try file(bytes)
        let output = try file([])
        defer {
            close(input)
            close(output)
        }
        let result = await peer.splice(SpliceOptions(input: input, output: output))
        guard case .complete = result.end else {
            Issue.record("the splice ended with \(result.end)")
            return false
        }
        var back = [UInt8](repeating: 0, count: size + 1)
        let count = pread(output, &back, back.count, 0)
        return count == size && memcmp(back, bytes, size) == 0
    }

    /// An open file without a name that holds the bytes.
    private static func file(_ bytes: [UInt8]) throws -> Int32 {
        var name = Array("/tmp/carrier-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        try #require(descriptor >= 0)
        unlink(name)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done) }
            try #require(count > 0)
            done += count
        }
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }
}
