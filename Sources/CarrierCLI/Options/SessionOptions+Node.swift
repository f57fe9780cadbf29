import Carrier
import CarrierTransport
import CarrierWire
import NIOCore
import NIOPosix

extension SessionOptions {
    /// Runs a node as the options say, on a loop of its own, and `body` on the same loop.
    func withNode<Value: Sendable>(
        _ console: Console, configure: (inout NodeConfiguration) -> Void = { _ in },
        _ body: @Sendable @escaping (Node) async throws -> Value
    ) async throws -> Value {
        var configuration = NodeConfiguration(identity: try await identity(console))
        configuration.network = network
        configuration.minimum = minimum
        configuration.family = onlyIPv4 ? .v4 : onlyIPv6 ? .v6 : .any
        configuration.limits.dial.timeout = connectTimeout.duration
        configuration.limits.handshake.deadline = connectTimeout.duration
        if let keylog {
            warnAboutKeyLog(console)
            let file = try KeyLogFile(keylog, console)
            configuration.keyLog = { file.append($0) }
        }
        configure(&configuration)
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        return try await Node.run(configuration, on: loop) { node in
            try await withTaskExecutorPreference(node.executor) { try await body(node) }
        }
    }
}
