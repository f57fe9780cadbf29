internal import CarrierWire
internal import NIOCore

/// A TCP connection as a link: the one handler of its channel.
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
    private var isReading = true
    /// A read was held back and must be made up for.
    private var owesRead = false
    private var closeError = LinkError.endOfStream
    private var isFinishing = false
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

    // MARK: Link

    func write(_ bytes: ByteBuffer) {
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    func flush() {
        context?.flush()
    }

    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        readIfOwed()
    }

    func finish() {
        guard let context, !isFinishing else { return }
        isFinishing = true
        // An empty write completes when all before it is with the system.
        let done = context.eventLoop.makePromise(of: Void.self)
        done.futureResult.assumeIsolated().whenComplete { [self] _ in
            self.context?.close(mode: .output, promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: done)
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
        hasEnded = true
        tellEnd()
    }

    private func tellEnd() {
        let delegate = delegate
        self.delegate = nil
        delegate?.linkDidClose(closeError)
    }
}
