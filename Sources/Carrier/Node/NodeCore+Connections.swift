internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import CoreMetrics
internal import Logging
internal import NIOCore

extension NodeCore: SessionLinkOwner {
    // MARK: Listening

    /// Listens on an address with an IP host; the future has the address that it really is.
    func listen(on address: Address) -> EventLoopFuture<Address> {
        guard let transport = transport(for: address.scheme) else {
            return loop.makeFailedFuture(LinkError.unsupportedScheme(address.scheme.name))
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        return transport.listen(on: address, loop: loop) { link in bound.value.accept(link) }
            .map { listener in
                let node = bound.value
                if node.isStopping { _ = listener.close() } else { node.listeners.append(listener) }
                return listener.address
            }
    }

    private func accept(_ link: any Link) {
        let source = link.remoteAddress.ip
        if relay.takePass(source) { return receive(link) {} }
        guard !isStopping, admission.admit(source, now: Instant(loop.now)) else {
            statistics.refused += 1
            meters.refused.increment()
            return link.close()
        }
        receive(link) { [self] in admission.release(source) }
    }

    /// Shakes hands with whoever is on a link that was let in.
    func receive(_ link: any Link, onEnd: @escaping () -> Void) {
        if halfOpen.count >= configuration.limits.handshake.halfOpen {
            // Who has said nothing yet goes first: an honest dialler speaks at once.
            let victim = halfOpen.first { !$0.hasHeard } ?? halfOpen.first
            victim?.abort(.local(.tooManyConnections, "too many handshakes at once"))
            note(.halfOpen)
        }
        let session = SessionLink(link, isOutbound: false, pinned: nil, in: environment, owner: self)
        session.onEnd = onEnd
        halfOpen.append(session)
    }

    func sessionDidOpen(_ session: SessionLink) {
        halfOpen.removeAll { $0 === session }
        didOpen(session, dialled: nil, connect: .zero) { _ in }
    }

    func session(_ session: SessionLink, didClose end: SessionEnd) {
        if let peer = session.hello?.record.peer, contenders[peer]?.session === session {
            contenders.removeValue(forKey: peer)?.completion(nil)
        }
        guard let index = halfOpen.firstIndex(where: { $0 === session }) else { return }
        halfOpen.remove(at: index)
        if case .handshake(let error) = end {
            log.debug("\(session.remoteAddress): \(error)")
            statistics.failedHandshakes += 1
            if case .messageTooLong = error { note(.handshakeMessage) }
            meters.failedHandshakes.increment()
            observer(.handshakeFailed(session.remoteAddress, error))
        }
    }

    func sessionWillRead(_ session: SessionLink) {}
    func session(_ session: SessionLink, didReceive frame: Frame) {}
    func sessionDidReadAll(_ session: SessionLink) {}
    func sessionDidFlush(_ session: SessionLink) {}
    func sessionDidDrain(_ session: SessionLink) {}

    // MARK: Dialling

    /// Connects to whoever answers first at one of the addresses, or hands out the connection that stands already.
    ///
    /// - Parameters:
    ///   - aside: whether to make a connection of its own, that no component hears of.
    ///   - isSpare: whether only components have a use for it.
    /// - Returns: the attempt, to give up with; nil when it is over already.
    @discardableResult
    func dial(
        _ addresses: [Address], aside: Bool = false, isSpare: Bool = false,
        completion: @escaping (Result<Connection, DialError>) -> Void
    ) -> DialAttempt? {
        let completion = { [self] (result: Result<Connection, DialError>) in
            if case .success(let connection) = result, !aside { keep(connection, asSpare: isSpare) }
            completion(result)
        }
        for address in addresses where !aside {
            if let peer = address.peer, let connection = connections[peer] {
                completion(.success(connection))
                return nil
            }
        }
        let limit = configuration.limits.connections.outbound
        if !isStopping, !addresses.isEmpty {
            // Who hears that a connection ends may dial in its place.
            while isFull(limit), makesRoomOutbound() {}
        }
        guard !isStopping, let first = addresses.first, !isFull(limit) else {
            if !isStopping, !addresses.isEmpty { note(.outbound) }
            let error: DialError =
                isStopping ? .shuttingDown : addresses.isEmpty ? .noAddress : .tooManyConnections(limit: limit)
            completion(.failure(error))
            return nil
        }
        let attempt = DialAttempt(
            to: addresses, aside: aside, isSpare: isSpare, node: self, completion: completion)
        attempts.append(attempt)
        let resolver = NameResolver()
        let family = configuration.family
        let loop = loop
        let resolved = addresses.map { address in
            resolver.resolve(address, family: family, loop: loop).map { Result<[Address], LinkError>.success($0) }
                .flatMapErrorThrowing { error in .failure(error as? LinkError ?? .nameNotFound(address.host)) }
        }
        EventLoopFuture.whenAllSucceed(resolved, on: loop).assumeIsolated().whenSuccess { results in
            let candidates = results.flatMap { (try? $0.get()) ?? [] }
            if candidates.isEmpty {
                attempt.cancel(.unreachable(first, .nameNotFound(first.host)))
            } else {
                attempt.start(candidates)
            }
        }
        return attempt
    }

    /// Makes a link and ends it.
    func probe(_ address: Address, completion: @escaping (Result<Duration, LinkError>) -> Void) {
        guard let transport = transport(for: address.scheme) else {
            return completion(.failure(.unsupportedScheme(address.scheme.name)))
        }
        let (loop, timeout) = (loop, configuration.limits.dial.timeout)
        NameResolver().resolve(address, family: configuration.family, loop: loop).assumeIsolated().whenComplete {
            result in
            guard case .success(let found) = result, let first = found.first else {
                return completion(.failure(.nameNotFound(address.host)))
            }
            let start = NIODeadline.now()
            _ = transport.dial(first, loop: loop, timeout: timeout) { result in
                completion(
                    result.map { link in
                        link.close()
                        return Duration(NIODeadline.now() - start)
                    })
            }
        }
    }

    private func isFull(_ limit: Int) -> Bool {
        attempts.count { !$0.hasOpened } + outboundCount + asides.count >= limit
    }

    var outboundCount: Int { connections.values.count { $0.info.isOutbound } }
    var inboundCount: Int { connections.values.count { !$0.info.isOutbound } }

    func attemptDidEnd(_ attempt: DialAttempt) { attempts.removeAll { $0 === attempt } }

    // MARK: One connection a peer

    /// A session stands. It becomes the peer's connection, takes over from the one there is, or goes.
    ///
    /// - Parameters:
    ///   - dialled: the address that was dialled; nil where the peer dialled.
    ///   - connect: how long the link took.
    func didOpen(
        _ session: SessionLink, dialled: Address?, connect: Duration,
        completion: @escaping (Result<Connection, DialError>) -> Void
    ) {
        guard let info = peerInfo(of: session, dialled: dialled) else { return }
        let address = (dialled ?? session.remoteAddress)
        let timing = timing(of: session, connect: connect)
        if let refusal = refusal(of: info) {
            session.owner = session.isOutbound ? nil : self
            session.close(refusal.reason, refusal.text)
            return completion(.failure(.rejected(address, .local(refusal.reason, refusal.text))))
        }
        guard let standing = connections[info.peer] else {
            return completion(.success(announce(session, info, timing)))
        }
        if info.record.sequence > standing.info.record.sequence {
            tick()
            host.renewed(info)
        }
        if !session.isOutbound, isCallback(info.peer) {
            session.close(.duplicateConnection, "dialled back, as asked")
            return completion(.success(standing))
        }
        if !session.isOutbound, relay.awaits(info.peer) {
            return relay.hear(session) { [self] frame in
                if let standing = connections[info.peer] {
                    compete(standing, session, info, timing, completion)
                } else {
                    completion(.success(announce(session, info, timing)))
                }
                if let frame { session.redeliver(frame) }
            }
        }
        compete(standing, session, info, timing, completion)
    }

    /// A second session of a peer that has a connection.
    private func compete(
        _ standing: Connection, _ session: SessionLink, _ info: PeerInfo, _ timing: ConnectionTiming,
        _ completion: @escaping (Result<Connection, DialError>) -> Void
    ) {
        resolve(standing, session, info, timing) { [self] winner in
            if let winner {
                completion(.success(winner))
            } else if session.isOpen {
                completion(.success(announce(session, info, timing)))
            } else {
                completion(.failure(.rejected(info.address, .broken("the connection ended"))))
            }
        }
    }

    private func peerInfo(of session: SessionLink, dialled: Address?) -> PeerInfo? {
        session.hello.map { hello in
            PeerInfo(
                record: hello.record, address: (dialled ?? session.remoteAddress).pinned(to: hello.record.peer),
                observedAddress: hello.observedAddress, agent: hello.agent, isOutbound: session.isOutbound)
        }
    }

    private func timing(of session: SessionLink, connect: Duration) -> ConnectionTiming {
        ConnectionTiming(connect: connect, handshake: Duration(session.openedAt - session.startedAt))
    }

    /// A session that stands beside the connection with its peer, for one purpose; nil when it cannot.
    func openAside(_ session: SessionLink, dialled: Address?, connect: Duration) -> Connection? {
        guard !isStopping, let info = peerInfo(of: session, dialled: dialled) else { return nil }
        let connection = Connection(session, info: info, timing: timing(of: session, connect: connect), node: self)
        asides[ObjectIdentifier(connection)] = connection
        return connection
    }

    private func refusal(of info: PeerInfo) -> (reason: Disconnect.Reason, text: String)? {
        if isStopping { return (.shutdown, "") }
        if case .refused(let text) = configuration.admit(info) { return (.applicationClosed, text) }
        let limit = configuration.limits.connections.inbound
        if !info.isOutbound, connections[info.peer] == nil, inboundCount >= limit, !makesRoom(for: info) {
            note(.inbound)
            return (.tooManyConnections, "\(limit) inbound connections at most")
        }
        return nil
    }

    private func announce(_ session: SessionLink, _ info: PeerInfo, _ timing: ConnectionTiming) -> Connection {
        let connection = Connection(session, info: info, timing: timing, node: self)
        connections[info.peer] = connection
        log.debug("\(info.peer.short) connected, \(info.address)")
        if info.isOutbound { statistics.outbound += 1 } else { statistics.inbound += 1 }
        meters.connected.increment()
        meters.connections.record(connections.count)
        meters.handshakeTime.recordNanoseconds(timing.handshake.nanoseconds)
        openLane(connection)
        observer(.connected(connection))
        tick()
        host.connected(info)
        carryOutWork()
        return connection
    }

    /// A second session of a peer, which waits for the probe of the first.
    struct Contender {
        let session: SessionLink
        /// Gets the connection that stays; nil when this session is not retired in its favour.
        let completion: (Connection?) -> Void
    }

    /// Two links with one peer: which stays is decided the same on both sides (carrier-wire(7) §4.5).
    ///
    /// - Parameter completion: gets the connection that stays; nil when the standing one turned out dead.
    private func resolve(
        _ standing: Connection, _ session: SessionLink, _ info: PeerInfo, _ timing: ConnectionTiming,
        completion: @escaping (Connection?) -> Void
    ) {
        let isFresh = standing.isFresh
        if standing.currentIsOutbound != session.isOutbound, isFresh {
            // Both dialled at once: the link dialled by the smaller id stays.
            let weAreSmaller = configuration.identity.peerID < info.peer
            if session.isOutbound == weAreSmaller {
                standing.succeed(with: session)
            } else {
                standing.retire(session)
            }
            return completion(standing)
        }
        // A second dial: the connection that stands wins, if it still lives.
        session.owner = self
        session.setHeld(true)
        let contender = Contender(session: session, completion: completion)
        if let older = contenders.updateValue(contender, forKey: info.peer) {
            // The probe is under way; of those that wait for its outcome the newest stays.
            older.session.owner = nil
            older.session.close(.duplicateConnection)
            return older.completion(nil)
        }
        standing.probe { [self] isAlive in
            guard let contender = contenders.removeValue(forKey: info.peer) else { return }
            if isAlive {
                contender.session.owner = nil
                contender.session.close(.duplicateConnection, "another connection of yours lives")
                contender.completion(standing)
            } else {
                standing.abort(.broken("expected an answer to a probe, got a new connection instead"))
                contender.completion(nil)
                contender.session.setHeld(false)
            }
        }
    }

    /// Whether another link with this connection's peer is about to stand.
    func expectsSuccessor(of connection: Connection) -> Bool {
        guard connection.isFresh else { return false }
        return !halfOpen.isEmpty || contenders[connection.peer] != nil
            || attempts.contains { !$0.isAside && ($0.pinned == nil || $0.pinned == connection.peer) }
    }

    func connectionDidEnd(_ connection: Connection, _ cause: DisconnectCause) {
        asides[ObjectIdentifier(connection)] = nil
        guard connections[connection.peer] === connection else { return }
        connections[connection.peer] = nil
        log.debug("\(connection.peer.short) disconnected, \(cause)")
        tick()
        host.disconnected(connection.info, cause)
        statistics.disconnected += 1
        if case .broken = cause { statistics.broken += 1 }
        noteLimit(behind: cause)
        statistics.bytesIn &+= connection.bytesIn
        statistics.bytesOut &+= connection.bytesOut
        meters.disconnected.increment()
        meters.connections.record(connections.count)
        meters.bytesIn.increment(by: connection.bytesIn)
        meters.bytesOut.increment(by: connection.bytesOut)
        lanes[ObjectIdentifier(connection)]?.disconnected(cause)
        observer(.disconnected(connection, cause))
        carryOutWork()
    }

    private func openLane(_ connection: Connection) {
        guard !asyncComponents.isEmpty else { return }
        let lane = ApplicationLane(asyncComponents, connection, executor)
        let key = ObjectIdentifier(connection)
        lane.onEnd = { [self] in lanes[key] = nil }
        lanes[key] = lane
        lane.connected()
    }
}
