internal import CarrierWire
internal import NIOCore

/// One end of a link within the program; what is written comes out of its partner's loop.
final class MemoryLink: Link {
    /// Bytes under way before a link is no longer writable.
    private static let highWater = 64 * 1024

    let eventLoop: any EventLoop
    let localAddress: Address
    let remoteAddress: Address
    /// The other end; nil until it stands and after the link ended.
    var partner: NIOLoopBound<MemoryLink>?

    private var waiting: [ByteBuffer] = []
    private var arrived: [ByteBuffer] = []
    private var bytesUnderWay = 0
    private var isReading = true
    private var isDelivering = false
    private var isFinished = false
    private var partnerFinished = false
    private var isClosed = false

    var delegate: (any LinkDelegate)? {
        didSet { if delegate != nil { deliver() } }
    }

    init(loop: any EventLoop, localAddress: Address, remoteAddress: Address) {
        eventLoop = loop
        self.localAddress = localAddress
        self.remoteAddress = remoteAddress
    }

    var isWritable: Bool { !isClosed && bytesUnderWay < Self.highWater }

    func connect(to partner: NIOLoopBound<MemoryLink>) {
        if isClosed { return tell(partner) { $0.partnerClosed() } }
        self.partner = partner
        flush()
        if isFinished { tell(partner) { $0.partnerFinishes() } }
    }

    func write(_ bytes: ByteBuffer) {
        guard !isClosed, !isFinished else { return }
        waiting.append(bytes)
        bytesUnderWay += bytes.readableBytes
    }

    func flush() {
        guard let partner, !waiting.isEmpty else { return }
        let batch = waiting
        waiting = []
        tell(partner) { $0.arrive(batch) }
    }

    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        if isReading { deliver() }
    }

    func finish() {
        guard !isFinished else { return }
        flush()
        isFinished = true
        if let partner { tell(partner) { $0.partnerFinishes() } }
        endIfBothFinished()
    }

    func close() {
        end(.closedHere)
    }

    private func tell(_ link: NIOLoopBound<MemoryLink>, _ body: @escaping @Sendable (MemoryLink) -> Void) {
        link.eventLoop.execute { body(link.value) }
    }

    private func arrive(_ batch: [ByteBuffer]) {
        arrived.append(contentsOf: batch)
        deliver()
    }

    private func deliver() {
        // What is handed over may stop the reading and take it up again: who is at it goes on.
        guard isReading, !isDelivering, let delegate, !isClosed else { return }
        isDelivering = true
        var index = 0
        while index < arrived.count, isReading, !isClosed {
            let bytes = arrived[index]
            index += 1
            delegate.linkDidRead(bytes)
            if let partner { tell(partner) { $0.consumed(bytes.readableBytes) } }
        }
        arrived.removeFirst(min(index, arrived.count))
        isDelivering = false
        if index > 0, !isClosed { delegate.linkDidReadAll() }
        endIfBothFinished()
        if partnerFinished, arrived.isEmpty, !isFinished { end(.endOfStream) }
    }

    private func consumed(_ count: Int) {
        let wasWritable = isWritable
        bytesUnderWay -= count
        if !wasWritable, isWritable { delegate?.linkDidChangeWritability() }
    }

    private func partnerFinishes() {
        partnerFinished = true
        if arrived.isEmpty { end(.endOfStream) }
    }

    private func endIfBothFinished() {
        if isFinished, partnerFinished, arrived.isEmpty { end(.endOfStream) }
    }

    private func partnerClosed() {
        partner = nil
        end(arrived.isEmpty ? .endOfStream : .reset("closed by the other side"))
    }

    private func end(_ error: LinkError) {
        guard !isClosed else { return }
        isClosed = true
        if let partner { tell(partner) { $0.partnerClosed() } }
        partner = nil
        let delegate = delegate
        self.delegate = nil
        arrived = []
        waiting = []
        // The caller may be in the middle of something: it hears of the end when it is done.
        let bound = NIOLoopBoundBox(delegate, eventLoop: eventLoop)
        eventLoop.execute { bound.value?.linkDidClose(error) }
    }
}
