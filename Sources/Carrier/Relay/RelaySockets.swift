internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import Logging
internal import NIOCore

/// The sockets of a relay, and of a node behind one; what becomes of them `RelayServer` and `RelayClient` decide. Confined to the
/// node's loop.
final class RelaySockets {
    private unowned let node: NodeCore
    private var doors: [UInt64: any Listener] = [:]
    private var waiting: [UInt64: Knock] = [:]
    private var circuits: [UInt64: RelayCircuit] = [:]
    private var admission: Admission
    /// How many links the owners of doors may open, by address, to fetch who waits: they do not count as others do.
    private var passes: [IPAddress: Int] = [:]

    /// Somebody at a door.
    private struct Knock {
        let link: any Link
        let door: UInt64
        /// Where the door's owner is.
        let owner: IPAddress?
    }

    init(_ node: NodeCore, _ limits: Limits.Connections) {
        self.node = node
        admission = Admission(
            perSite: limits.perSite,
            rate: TokenBucket.Rate(perSecond: limits.newPerSecond, burst: Double(limits.newBurst)))
    }

    func perform(_ effect: RelayEffect) {
        switch effect {
        case .openDoor(let number, let peer): openDoor(number, for: peer)
        case .closeDoor(let number): closeDoor(number)
        case .endCircuit(let number):
            endWait(number)?.link.close()
            circuits[number]?.end()
        case .fetch(let circuit): fetch(circuit)
        }
    }

    private func server<Value>(_ body: (inout RelayServer, inout Context) -> Value) -> Value? {
        node.tick()
        defer { node.carryOutWork() }
        return node.host.with(RelayServer.self, body)
    }

    // MARK: Doors

    private func openDoor(_ number: UInt64, for peer: PeerID) {
        guard let place = node.connections[peer].flatMap(place(of:)), let tcp = node.transport(for: .tcp) else {
            return opened(number, nil)
        }
        // A door closes with the connection of its owner.
        node.connections[peer]?.isSpare = false
        // Both closures hold the node: they may be called while it goes away.
        let bound = NIOLoopBound((sockets: self, node: node), eventLoop: node.loop)
        tcp.listen(
            on: Address(scheme: .tcp, host: "\(place.inside)", port: 0), loop: node.loop,
            accept: { link in bound.value.sockets.knock(number, link) }
        ).assumeIsolated().whenComplete { [self, node] result in
            guard case .success(let listener) = result, !node.isStopping else {
                if case .success(let listener) = result { _ = listener.close() }
                return opened(number, nil)
            }
            doors[number] = listener
            opened(number, Address(scheme: .tcp, host: "\(place.outside)", port: listener.address.port))
        }
    }

    private func opened(_ number: UInt64, _ address: Address?) {
        server { server, context in server.doorOpened(number, at: address, &context) }
    }

    /// Where a door for a peer listens, and where others find it: where the peer itself found this node. Behind a router that
    /// passes everything on, the public address is the one that this node tells of itself.
    private func place(of connection: Connection) -> (inside: IPAddress, outside: IPAddress)? {
        guard let inside = connection.session?.link.localAddress.ip else { return nil }
        let told = node.environment.record.addresses.lazy.compactMap { (try? Address($0))?.ip }
        let isKnown = inside.scope != .unusable
        if Reach(linkTo: connection.info.address) == .internet, inside.scope != .global,
            let outside = told.first(where: { Reach($0) == .internet })
        {
            return (inside, outside)
        }
        return isKnown ? (inside, inside) : told.first { Reach($0) != nil }.map { (inside, $0) }
    }

    private func closeDoor(_ number: UInt64) {
        _ = doors.removeValue(forKey: number)?.close()
        for circuit in waiting.filter({ $0.value.door == number }).keys { endWait(circuit)?.link.close() }
    }

    private func knock(_ door: UInt64, _ link: any Link) {
        let source = link.remoteAddress.ip
        guard !node.isStopping, admission.admit(source, now: Instant(node.loop.now)) else { return link.close() }
        let circuit = server { server, context in server.knocked(door, from: link.remoteAddress, &context) } ?? nil
        guard let circuit else {
            admission.release(source)
            return link.close()
        }
        let owner = node.host.with(RelayServer.self) { server, _ in server.owner(of: door) } ?? nil
        let ip = owner.flatMap { node.connections[$0]?.info.address.ip }
        waiting[circuit] = Knock(link: link, door: door, owner: ip)
        if let ip { passes[ip, default: 0] += 1 }
    }

    /// Whether a link from there comes to fetch who waits: then it need not be counted.
    func takePass(_ source: IPAddress?) -> Bool {
        guard let source, let count = passes[source] else { return false }
        passes[source] = count > 1 ? count - 1 : nil
        return true
    }

    /// Somebody waits no longer.
    @discardableResult
    private func endWait(_ circuit: UInt64, claimed: Bool = false) -> Knock? {
        guard let knock = waiting.removeValue(forKey: circuit) else { return nil }
        if !claimed {
            _ = takePass(knock.owner)
            ended(circuit, knock.link.remoteAddress.ip)
        }
        return knock
    }

    private func ended(_ circuit: UInt64, _ source: IPAddress?) {
        circuits[circuit] = nil
        admission.release(source)
        server { server, context in server.circuitEnded(circuit, &context) }
    }

    // MARK: Circuits, at the relay

    /// Whether a second session of this peer may be there to fetch somebody.
    func awaits(_ peer: PeerID) -> Bool {
        guard !waiting.isEmpty else { return false }
        return node.host.with(RelayServer.self) { server, _ in server.isAwaited(peer) } ?? false
    }

    /// Waits for the first word of such a session.
    ///
    /// - Parameter otherwise: called when that session wants something else, with its first frame.
    func hear(_ session: SessionLink, otherwise: @escaping (Frame?) -> Void) {
        // The session keeps the candidate.
        _ = CircuitCandidate(session, node.loop) { [self] outcome in
            switch outcome {
            case .claim(let ticket):
                if let connection = node.openAside(session, dialled: nil, connect: .zero) { claim(ticket, connection) }
            case .other(let frame): otherwise(frame)
            case .gone: break
            }
        }
    }

    /// Looks whether a message claims a circuit, and joins the two.
    ///
    /// - Returns: whether it does; else it is for the components.
    func takes(_ frame: Frame, from connection: Connection) -> Bool {
        guard let ticket = CircuitCandidate.ticket(in: frame) else { return false }
        claim(ticket, connection)
        return true
    }

    private func claim(_ ticket: [UInt8], _ connection: Connection) {
        let number = server { server, context in server.claim(ticket, &context) } ?? nil
        guard let number, let knock = endWait(number, claimed: true) else {
            return connection.fail(.protocolError, "expected the ticket of a connection that waits, got another")
        }
        let source = knock.link.remoteAddress.ip
        let circuit = RelayCircuit(knock.link, connection) { [weak self] in self?.ended(number, source) }
        circuits[number] = circuit
        circuit.start()
    }

    // MARK: Circuits, behind the relay

    private func fetch(_ circuit: WaitingCircuit) {
        node.dial([circuit.relay], aside: true) { [self] result in
            switch result {
            case .failure(let error):
                node.log.notice("\(circuit.remote) left waiting at the relay: \(error)")
                fetched(circuit)
            case .success(let connection):
                connection.send(ProxyRequest(kind: ProxyRequest.claimCircuit, ticket: circuit.ticket).frame())
                let remote = (try? Address(circuit.remote)) ?? connection.info.address.pinned(to: nil)
                node.receive(CircuitLink(connection, observedAddress: remote)) { [weak self] in
                    self?.fetched(circuit)
                }
            }
        }
    }

    private func fetched(_ circuit: WaitingCircuit) {
        node.host.with(RelayClient.self) { client, _ in client.circuitEnded(circuit) }
    }

    // MARK: The end

    func stop() {
        for door in doors.keys { closeDoor(door) }
        for circuit in circuits.values { circuit.end() }
    }
}
