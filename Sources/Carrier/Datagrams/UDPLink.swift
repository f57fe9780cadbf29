internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import NIOCore

/// A session over UDP as a link: what is written must be whole frames. Confined to the loop of its endpoint.
final class UDPLink: Link {
    /// Datagrams kept for an owner that does not read; more are lost, as on any network.
    private static let waitingLimit = 256

    let endpoint: UDPEndpoint
    let id: UInt32
    let security: LinkSecurity
    var remoteAddress: Address
    private var waiting: [ByteBuffer] = []
    private var isReading = true
    private var isClosed = false
    private var endedWith: LinkError?

    var delegate: (any LinkDelegate)? {
        didSet {
            guard delegate != nil else { return }
            deliver()
            tellEnd()
        }
    }

    init(_ endpoint: UDPEndpoint, id: UInt32, hello: Hello, remote: Address) {
        self.endpoint = endpoint
        self.id = id
        security = .established(hello)
        remoteAddress = remote
    }

    var eventLoop: any EventLoop { endpoint.loop }
    var localAddress: Address { endpoint.localAddress }
    var isWritable: Bool { !isClosed }
    var hasArrived: Bool? { endpoint.hasArrived }
    var frameLimit: Int? { Datagram.sizeLimit - Datagram.overhead }

    func write(_ bytes: ByteBuffer) {
        var rest = bytes
        while !isClosed, let length = rest.getInteger(at: rest.readerIndex, endianness: .little, as: UInt32.self),
            let frame = rest.readSlice(length: Frame.headerSize + Int(length))
        {
            endpoint.send(frame, on: self)
        }
    }

    func flush() {}

    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        if isReading { deliver() }
    }

    /// Everything has been sent: datagrams do not wait.
    func finish() { end(.endOfStream) }

    func close() { end(.closedHere) }

    func receive(_ frame: ByteBuffer) {
        // One frame a datagram: anything else would spoil the order of what follows.
        guard let length = frame.getInteger(at: frame.readerIndex, endianness: .little, as: UInt32.self),
            Int(length) + Frame.headerSize == frame.readableBytes, waiting.count < Self.waitingLimit
        else { return }
        waiting.append(frame)
        deliver()
    }

    private func deliver() {
        guard let delegate, isReading, !waiting.isEmpty else { return }
        while isReading, !isClosed, !waiting.isEmpty { delegate.linkDidRead(waiting.removeFirst()) }
        if !isClosed { delegate.linkDidReadAll() }
    }

    func end(_ error: LinkError) {
        guard !isClosed else { return }
        isClosed = true
        waiting = []
        endedWith = error
        endpoint.ended(self)
        tellEnd()
    }

    private func tellEnd() {
        guard let endedWith, let delegate else { return }
        self.endedWith = nil
        self.delegate = nil
        endpoint.loop.assumeIsolated().execute { delegate.linkDidClose(endedWith) }
    }
}
