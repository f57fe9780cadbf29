import CarrierTesting
import CarrierTransport
import CarrierWire
import NIOCore

/// Links that take a different, seeded time for each piece, in order: what races on a real network races here too, the
/// same way for the same seed. For nodes on one loop.
final class DelayingTransport: Transport {
    let scheme: Address.Scheme
    private let transport: any Transport
    private let longest: Int64
    private let random: NIOLoopBoundBox<SeededRandom>

    /// - Parameter longest: the longest delay of a piece.
    init(_ transport: any Transport, seed: UInt64, longest: TimeAmount, loop: any EventLoop) {
        scheme = transport.scheme
        self.transport = transport
        self.longest = longest.nanoseconds
        random = NIOLoopBoundBox(SeededRandom(seed), eventLoop: loop)
    }

    private func delay() -> TimeAmount { .nanoseconds(Int64.random(in: 0...longest, using: &random.value)) }

    func listen(
        on address: Address, loop: any EventLoop, accept: @escaping @Sendable (any Link) -> Void
    ) -> EventLoopFuture<any Listener> {
        transport.listen(on: address, loop: loop) { accept(DelayingLink($0, self.delay)) }
    }

    func dial(
        _ address: Address, loop: any EventLoop, timeout: Duration,
        completion: @escaping (Result<any Link, LinkError>) -> Void
    ) -> Dialling {
        transport.dial(address, loop: loop, timeout: timeout) { result in
            loop.assumeIsolated().scheduleTask(in: self.delay()) {
                completion(result.map { DelayingLink($0, self.delay) })
            }
        }
    }
}

/// A link whose arrivals come later.
private final class DelayingLink: ForwardingLink, LinkDelegate {
    private enum Arrival {
        case bytes(ByteBuffer)
        case end(LinkError)
    }

    let link: any Link
    private let delay: () -> TimeAmount
    private var arrivals: [Arrival] = []
    private var isReading = true
    private var lastDue = NIODeadline.uptimeNanoseconds(0)
    private var due = 0
    private var isClosed = false

    var delegate: (any LinkDelegate)? {
        didSet { if delegate != nil { hand() } }
    }

    init(_ link: any Link, _ delay: @escaping () -> TimeAmount) {
        self.link = link
        self.delay = delay
        link.delegate = self
    }

    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        if isReading { hand() }
    }

    func close() {
        isClosed = true
        link.close()
    }

    func linkDidRead(_ bytes: ByteBuffer) { arrive(.bytes(bytes)) }
    func linkDidReadAll() {}
    func linkDidChangeWritability() { delegate?.linkDidChangeWritability() }
    func linkDidClose(_ error: LinkError) {
        // What this side ended ends now; the other side's end comes behind its bytes.
        if isClosed { end(error) } else { arrive(.end(error)) }
    }

    private func arrive(_ arrival: Arrival) {
        arrivals.append(arrival)
        lastDue = max(lastDue, link.eventLoop.now + delay())
        link.eventLoop.assumeIsolated().scheduleTask(deadline: lastDue) { [self] in
            due += 1
            hand()
        }
    }

    private func hand() {
        var hasRead = false
        while due > 0, let delegate, !arrivals.isEmpty {
            switch arrivals[0] {
            case .bytes(let bytes):
                guard isReading else { return }
                arrivals.removeFirst()
                due -= 1
                hasRead = true
                delegate.linkDidRead(bytes)
            case .end(let error):
                due = 0
                arrivals = []
                end(error)
                return
            }
        }
        if hasRead { delegate?.linkDidReadAll() }
    }

    private func end(_ error: LinkError) {
        let delegate = delegate
        self.delegate = nil
        delegate?.linkDidClose(error)
    }
}
