import Carrier
import NIOCore
import NIOPosix

/// What SwiftNIO alone takes for a round trip, without frames, records, components or tasks: no node over it can be faster.
enum BareEcho {
    /// Sends everything back.
    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }
    }

    /// Sends a body, waits until all of it is back, and begins again.
    private final class Asker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        let body: ByteBuffer
        let end: NIODeadline
        var asked = NIODeadline.now()
        var missing = 0
        var times: [UInt64] = []

        init(_ body: ByteBuffer, until end: NIODeadline) {
            self.body = body
            self.end = end
            times.reserveCapacity(1 << 20)
        }

        func channelActive(context: ChannelHandlerContext) { ask(context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            missing -= unwrapInboundIn(data).readableBytes
            guard missing <= 0 else { return }
            let now = NIODeadline.now()
            times.append(UInt64(clamping: (now - asked).nanoseconds))
            if now < end { ask(context) } else { context.close(promise: nil) }
        }

        private func ask(_ context: ChannelHandlerContext) {
            (asked, missing) = (.now(), body.readableBytes)
            context.writeAndFlush(wrapOutboundOut(body), promise: nil)
        }
    }

    /// Echoes on a free port of loopback: where.
    static func listen(on loop: any EventLoop) async throws -> Address {
        let channel = try await ServerBootstrap(group: loop)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Address(scheme: .tcp, host: "127.0.0.1", port: UInt16(clamping: channel.localAddress?.port ?? 0))
    }

    /// Round trips of `size` bytes, one at a time.
    static func measure(_ address: Address, size: Int, seconds: Double, on loop: any EventLoop) async throws -> Figures {
        let (processor, start) = (ProcessorTime.used, NIODeadline.now())
        let asker = try await loop.submit {
            NIOLoopBound(
                Asker(ByteBuffer(repeating: 7, count: size), until: start + .nanoseconds(Int64(seconds * 1e9))),
                eventLoop: loop)
        }.get()
        let channel = try await ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(asker.value) }
            }
            .connect(host: address.host, port: Int(address.port)).get()
        try await channel.closeFuture.get()
        let times = try await loop.submit { asker.value.times.sorted() }.get()
        return Figures(
            kind: "bare", size: size, inFlight: 1, count: times.count,
            seconds: Double((NIODeadline.now() - start).nanoseconds) / 1e9,
            processorSeconds: ProcessorTime.used - processor, allocations: nil, times: times)
    }
}
