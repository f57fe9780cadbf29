internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import NIOCore

/// One dial: several addresses, each a little later than the one before; the first link shakes hands, and when that fails
/// the race goes on with the rest. Confined to the node's loop.
final class DialAttempt: SessionLinkOwner {
    private let node: NodeCore
    private var candidates: [Address] = []
    private var running: [(address: Address, dialling: Dialling)] = []
    private var startedAt: [Address: NIODeadline] = [:]
    private var handshaking: (session: SessionLink, address: Address, connect: Duration)?
    private var next: Scheduled<Void>?
    private var worst = DialError.noAddress
    private var completion: ((Result<Connection, DialError>) -> Void)?

    /// Whom the dial may lead to: nil when an address allows anybody.
    let pinned: PeerID?
    /// Whether the connection is to stand beside the one with the same peer.
    let isAside: Bool
    /// Whether only components have a use for it.
    private let isSpare: Bool
    /// Whether its session stands: that counts as a connection from then on.
    private(set) var hasOpened = false

    init(
        to addresses: [Address], aside: Bool, isSpare: Bool, node: NodeCore,
        completion: @escaping (Result<Connection, DialError>) -> Void
    ) {
        self.node = node
        isAside = aside
        self.isSpare = isSpare
        self.completion = completion
        let peers = Set(addresses.map(\.peer))
        pinned = peers.count == 1 ? peers.first.flatMap { $0 } : nil
    }

    var isOver: Bool { completion == nil }

    /// Starts the race, once the names are resolved.
    func start(_ candidates: [Address]) {
        self.candidates = candidates
        start()
    }

    /// Starts the next candidate, and plans the one after it.
    private func start() {
        next?.cancel()
        next = nil
        guard !isOver, handshaking == nil else { return }
        guard !candidates.isEmpty else {
            if running.isEmpty { end(.failure(worst)) }
            return
        }
        let address = candidates.removeFirst()
        guard let transport = node.transport(for: address.scheme) else {
            note(.unreachable(address, .unsupportedScheme(address.scheme.name)))
            return start()
        }
        let loop = node.environment.loop
        startedAt[address] = node.environment.now()
        let dialling = transport.dial(address, loop: loop, timeout: node.environment.limits.dial.timeout) {
            [weak self] result in
            // A transport may answer at once: the dial is noted before its answer is looked at.
            loop.assumeIsolated().execute { self?.dialled(address, result) }
        }
        running.append((address, dialling))
        if !candidates.isEmpty {
            next = loop.assumeIsolated().scheduleTask(in: TimeAmount(node.environment.limits.dial.stagger)) {
                [weak self] in self?.start()
            }
        }
    }

    private func dialled(_ address: Address, _ result: Result<any Link, LinkError>) {
        running.removeAll { $0.address == address }
        guard !isOver else {
            if case .success(let link) = result { link.close() }
            return
        }
        switch result {
        case .success(let link):
            guard handshaking == nil else {
                // Somebody else is shaking hands; should that fail, this one has its turn again.
                candidates.insert(address, at: 0)
                return link.close()
            }
            shakeHands(link, address)
        case .failure(.handshake(let failure)):
            if let error = failure.error as? HandshakeError { failed(address, error) }
            start()
        case .failure(.timeout):
            node.note(.dial)
            note(.timeout(address, node.environment.limits.dial.timeout))
            start()
        case .failure(let error):
            note(.unreachable(address, error))
            start()
        }
    }

    private func shakeHands(_ link: any Link, _ address: Address) {
        next?.cancel()
        for other in running.reversed() {
            other.dialling.cancel()
            candidates.insert(other.address, at: 0)
        }
        running = []
        let now = node.environment.now()
        let connect = Duration(now - (startedAt[address] ?? now))
        let session = SessionLink(
            link, isOutbound: true, pinned: address.peer, in: node.environment, owner: self)
        session.isSpare = isSpare
        handshaking = (session, address, connect)
    }

    private func failed(_ address: Address, _ error: HandshakeError) {
        if error == .dialledSelf { node.noteOwn(address) }
        note(.handshake(address, error))
    }

    private func note(_ error: DialError) {
        if error.progress >= worst.progress { worst = error }
    }

    func sessionDidOpen(_ session: SessionLink) {
        guard let handshaking, handshaking.session === session else { return }
        hasOpened = true
        if isAside {
            let connection = node.openAside(session, dialled: handshaking.address, connect: handshaking.connect)
            return end(connection.map { .success($0) } ?? .failure(.shuttingDown))
        }
        node.didOpen(session, dialled: handshaking.address, connect: handshaking.connect) { [self] result in
            end(result)
        }
    }

    func session(_ session: SessionLink, didClose end: SessionEnd) {
        guard let handshaking, handshaking.session === session else { return }
        self.handshaking = nil
        hasOpened = false
        switch end {
        case .handshake(let error):
            failed(handshaking.address, error)
        case .disconnected(let cause):
            note(.rejected(handshaking.address, cause))
        }
        start()
    }

    func sessionWillRead(_ session: SessionLink) {}
    func session(_ session: SessionLink, didReceive frame: Frame) {}
    func sessionDidReadAll(_ session: SessionLink) {}
    func sessionDidFlush(_ session: SessionLink) {}
    func sessionDidDrain(_ session: SessionLink) {}

    /// Gives up.
    func cancel(_ error: DialError) { end(.failure(error)) }

    private func end(_ result: Result<Connection, DialError>) {
        guard let completion else { return }
        self.completion = nil
        next?.cancel()
        for each in running { each.dialling.cancel() }
        running = []
        if let session = handshaking?.session, session.owner === self {
            session.owner = nil
            session.abort(.local(.shutdown, ""))
        }
        handshaking = nil
        node.attemptDidEnd(self)
        completion(result)
    }
}
