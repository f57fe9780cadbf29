internal import CarrierWire
internal import Glibc
internal import NIOCore

/// A TCP connection as a link: the one handler of its channel.
///
/// It reads through SwiftNIO and writes straight to the system: a channel's own way there is made for writes that wait, and takes
/// longer than sealing a small message. What the system has no room for waits in the channel.
final class TCPLink: ChannelDuplexHandler, Link {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Never
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let eventLoop: any EventLoop
    /// The two ends, as they were when the connection stood: asked for later, they may be gone.
    private(set) var remoteAddress = TCPLink.unknown
    private(set) var localAddress = TCPLink.unknown
    private static let unknown = Address(scheme: .tcp, host: "0.0.0.0", port: 0)
    private let onActive: (TCPLink) -> Void
    private var context: ChannelHandlerContext?
    private var descriptor: CInt = -1
    /// Writes that wait in the channel: later ones wait behind them.
    private var waiting = 0
    private var isReading = true
    /// A read was held back and must be made up for.
    private var owesRead = false
    private var closeError = LinkError.endOfStream
    private var hasEnded = false

    /// - Parameter onActive: called when the connection stands and its addresses are known.
    init(loop: any EventLoop, onActive: @escaping (TCPLink) -> Void = { _ in }) {
        eventLoop = loop
        self.onActive = onActive
    }

    var delegate: (any LinkDelegate)? {
        didSet {
            guard delegate != nil else { return }
            // The connection may have ended before anybody looked after it.
            if hasEnded { eventLoop.assumeIsolated().execute { self.tellEnd() } } else { readIfOwed() }
        }
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }
    var hasArrived: Bool? { waiting == 0 ? isReadable(descriptor) : nil }

    // MARK: Link

    func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        let rest = waiting == 0 ? writeNow(bytes, to: context.channel) : bytes
        guard rest.readableBytes > 0 else { return }
        waiting += 1
        let done = eventLoop.makePromise(of: Void.self)
        done.futureResult.assumeIsolated().whenComplete { [self] _ in waiting -= 1 }
        context.write(wrapOutboundOut(rest), promise: done)
    }

    /// What the system did not take of it. An error is left for the channel to meet: it knows how a connection ends.
    private func writeNow(_ bytes: ByteBuffer, to channel: any Channel) -> ByteBuffer {
        // Of a channel that is closed the number may be another's already.
        guard descriptor >= 0, channel.isActive else { return bytes }
        var rest = bytes
        let count = bytes.withUnsafeReadableBytes {
            send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        if count > 0 { rest.moveReaderIndex(forwardBy: count) }
        return rest
    }

    func flush() {
        if waiting > 0 { context?.flush() }
    }

    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        readIfOwed()
    }

    func finish() {
        flush()
        // Behind what waits: the channel sees to that.
        context?.close(mode: .output, promise: nil)
    }

    func close() {
        closeError = .closedHere
        context?.close(promise: nil)
    }

    private func readIfOwed() {
        guard isReading, delegate != nil, owesRead else { return }
        owesRead = false
        context?.read()
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        remoteAddress = Address(scheme: .tcp, context.channel.remoteAddress) ?? Self.unknown
        localAddress = Address(scheme: .tcp, context.channel.localAddress) ?? Self.unknown
        descriptor = context.channel.descriptor ?? -1
        onActive(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func read(context: ChannelHandlerContext) {
        if isReading, delegate != nil {
            context.read()
        } else {
            owesRead = true
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        delegate?.linkDidRead(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        delegate?.linkDidReadAll()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        delegate?.linkDidChangeWritability()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        closeError = .reset(LinkError.reason(of: error))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { ended() }

    private func ended() {
        context = nil
        descriptor = -1
        hasEnded = true
        tellEnd()
    }

    private func tellEnd() {
        let delegate = delegate
        self.delegate = nil
        delegate?.linkDidClose(closeError)
    }
}
