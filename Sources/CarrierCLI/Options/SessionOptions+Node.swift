import Carrier
import CarrierProtocols
import NIOCore
import NIOPosix

extension SessionOptions {
    /// Runs a node as the options say, on a loop of its own, and `body` on the same loop.
    ///
    /// - Parameter bootstrap: the peers through which to join the overlay; none: stay out of it.
    func withNode<Value: Sendable>(
        _ console: Console, bootstrap: [Address] = [], configure: (inout NodeConfiguration) -> Void = { _ in },
        prepare: @Sendable (Node) async throws -> Void = { _ in },
        _ body: @Sendable @escaping (Node) async throws -> Value
    ) async throws -> Value {
        var configuration = NodeConfiguration(identity: try await identity(console))
        configuration.network = network
        configuration.minimum = minimum
        configuration.family = onlyIPv4 ? .v4 : onlyIPv6 ? .v6 : .any
        // For captures on loopback: with offload, several packets of QUIC look like one there.
        configuration.usesDatagramOffload = Environment.value("CARRIER_NO_OFFLOAD") == nil
        configuration.limits.dial.timeout = connectTimeout.duration
        configuration.limits.handshake.deadline = connectTimeout.duration
        if keylog == "-" || self.record == "-" { console.output.yieldStandardOutput() }
        if let keylog {
            warnAboutKeyLog(console)
            let file = try KeyLogOutput(keylog, console)
            configuration.keyLog = { file.append($0) }
        }
        if let record {
            let recording = try RecordingOutput(record, console)
            configuration.recorder = { recording.append($0) }
        }
        configure(&configuration)
        var discovery = DiscoveryConfiguration()
        discovery.bootstrap = bootstrap
        discovery.verifier = SignatureVerifier(minimum)
        let components = Node.overlayComponents(configuration.identity, discovery: discovery)
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        return try await Node.run(configuration, components: components, on: loop, prepare: prepare) { node in
            try await withTaskExecutorPreference(node.executor) { try await body(node) }
        }
    }
}
