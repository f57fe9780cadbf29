internal import NIOCore

/// Stops accepting for a moment when the system has no descriptor or memory for another connection.
///
/// The listening socket must leave the selector for that time: it stays readable, and asking again at once would keep a
/// core busy until somebody hangs up.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(100)
    private var isPaused = false

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError else { return context.fireErrorCaught(error) }
        guard !isPaused else { return }
        isPaused = true
        let channel = context.channel
        channel.setOption(.autoRead, value: false).assumeIsolated().whenComplete { _ in }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { [self] in
            isPaused = false
            channel.setOption(.autoRead, value: true).assumeIsolated().whenComplete { _ in }
        }
    }
}
