internal import Carrier
internal import NIOCore
internal import NIOPosix

/// A wire between somebody who dials and a TCP node, which keeps the first bytes of the dialler and can be cut.
final class Tap: Sendable {
    /// Where to dial instead of the target.
    let address: Address
    private let core: NIOLoopBound<TapCore>

    private init(_ core: NIOLoopBound<TapCore>, _ address: Address) {
        self.core = core
        self.address = address
    }

    static func start(to target: Address, loop: any EventLoop) async throws -> Tap {
        let remote = try SocketAddress(ipAddress: target.host, port: Int(target.port))
        let core = try await loop.submit { NIOLoopBound(TapCore(), eventLoop: loop) }.get()
        let server = try await ServerBootstrap(group: loop, childGroup: loop)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { near in
                ClientBootstrap(group: near.eventLoop).channelOption(.autoRead, value: false).connect(to: remote)
                    .flatMap {
                        far in near.eventLoop.makeCompletedFuture { try core.value.join(near, far) }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        try await loop.submit { core.value.server = server }.get()
        let port = UInt16(truncatingIfNeeded: server.localAddress?.port ?? 0)
        return Tap(core, Address(scheme: .tcp, peer: target.peer, host: "127.0.0.1", port: port))
    }

    /// What the dialler has sent, its first kilobytes.
    var tape: [UInt8] {
        get async {
            let core = core
            return (try? await core.eventLoop.submit { core.value.tape }.get()) ?? []
        }
    }

    /// Ends both sides at once, whatever is on its way, and takes no one any more.
    func cut() async {
        let core = core
        try? await core.eventLoop.submit { core.value.cut() }.get()
    }
}

/// The wire's two ends, on their loop.
private final class TapCore {
    private static let tapeLimit = 16_384

    var server: (any Channel)?
    var tape: [UInt8] = []
    private var ends: [any Channel] = []

    func join(_ near: any Channel, _ far: any Channel) throws {
        ends += [near, far]
        try near.pipeline.syncOperations.addHandler(
            Forwarder(to: far) { [self] bytes in
                tape += bytes.readableBytesView.prefix(max(0, Self.tapeLimit - tape.count))
            })
        try far.pipeline.syncOperations.addHandler(Forwarder(to: near) { _ in })
        for end in [near, far] { end.setOption(.autoRead, value: true).whenSuccess {} }
    }

    func cut() {
        for channel in ends { channel.close(promise: nil) }
        ends = []
        server?.close(promise: nil)
        server = nil
    }
}

/// Gives the other end what comes, and its end.
private final class Forwarder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let note: (ByteBuffer) -> Void

    init(to other: any Channel, _ note: @escaping (ByteBuffer) -> Void) {
        self.other = other
        self.note = note
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        note(bytes)
        other.writeAndFlush(bytes, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
