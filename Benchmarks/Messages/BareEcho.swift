import Carrier
import Glibc
import NIOCore
import NIOPosix

/// What is left of a round trip without frames, records, components and tasks: SwiftNIO waits and reads, and what is written goes
/// straight to the system, as over a TCP link. No node can be faster that is built so.
enum BareEcho {
    /// Sends everything back.
    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var descriptor: CInt = -1

        func channelActive(context: ChannelHandlerContext) { descriptor = BareEcho.descriptor(of: context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            BareEcho.write(unwrapInboundIn(data), to: descriptor, context)
        }
    }

    /// Sends a body, waits until all of it is back, and begins again.
    private final class Asker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let body: ByteBuffer
        private let end: NIODeadline
        private var descriptor: CInt = -1
        private var asked = NIODeadline.now()
        private var missing = 0
        private(set) var times: [UInt64] = []
        private(set) var isDone = false

        init(_ body: ByteBuffer, until end: NIODeadline) {
            self.body = body
            self.end = end
            times.reserveCapacity(1 << 20)
        }

        func channelActive(context: ChannelHandlerContext) {
            descriptor = BareEcho.descriptor(of: context)
            ask(context)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            missing -= unwrapInboundIn(data).readableBytes
            guard missing <= 0 else { return }
            let now = NIODeadline.now()
            times.append(UInt64(clamping: (now - asked).nanoseconds))
            guard now >= end else { return ask(context) }
            isDone = true
            context.close(promise: nil)
        }

        private func ask(_ context: ChannelHandlerContext) {
            (asked, missing) = (.now(), body.readableBytes)
            BareEcho.write(body, to: descriptor, context)
        }
    }

    /// The other end ended the connection first.
    private struct Ended: Error {}

    private static func descriptor(of context: ChannelHandlerContext) -> CInt {
        let number = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            $0
        }
        return number.flatMap { $0 } ?? -1
    }

    /// One message at a time always has room; anything else ends the run.
    private static func write(_ bytes: ByteBuffer, to descriptor: CInt, _ context: ChannelHandlerContext) {
        let count = bytes.withUnsafeReadableBytes {
            send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        if count < bytes.readableBytes { context.close(promise: nil) }
    }

    /// Echoes on a free port of loopback, and says where.
    static func listen(on loop: any EventLoop) async throws -> Address {
        let channel = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Address(scheme: .tcp, host: "127.0.0.1", port: UInt16(clamping: channel.localAddress?.port ?? 0))
    }

    /// Round trips of `size` bytes, one at a time.
    static func measure(_ address: Address, size: Int, seconds: Double, on loop: any EventLoop) async throws -> Figures
    {
        let (processor, start) = (ProcessorTime.used, NIODeadline.now())
        let asker = try await loop.submit {
            NIOLoopBound(
                Asker(ByteBuffer(repeating: 7, count: max(size, 1)), until: start + .nanoseconds(Int64(seconds * 1e9))),
                eventLoop: loop)
        }.get()
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(asker.value) }
            }
            .connect(host: address.host, port: Int(address.port)).get()
        try await channel.closeFuture.get()
        let times = try await loop.submit { asker.value.isDone ? asker.value.times.sorted() : nil }.get()
        guard let times else { throw Ended() }
        return Figures(
            kind: "bare", size: size, inFlight: 1, count: times.count,
            seconds: Double((NIODeadline.now() - start).nanoseconds) / 1e9,
            processorSeconds: ProcessorTime.used - processor, allocations: nil, times: times)
    }
}
