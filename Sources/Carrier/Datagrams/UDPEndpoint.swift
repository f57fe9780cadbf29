internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import NIOCore

/// One UDP socket and the sessions over it: carries out what `DatagramEndpoint` says. Confined to its event loop.
final class UDPEndpoint: DatagramSocketDelegate {
    /// Addresses remembered in the system's form.
    private static let addressLimit = 1024

    let loop: any EventLoop
    let localAddress: Address
    private let socket: DatagramSocket
    private let environment: SessionEnvironment
    private let machine: DatagramEndpoint
    private var accept: (@Sendable (any Link) -> Void)?
    private var links: [UInt32: UDPLink] = [:]
    private var dialled: (id: UInt32, address: Address, done: (Result<any Link, LinkError>) -> Void)?
    private var addresses: [Address: SocketAddress] = [:]
    private var alarm: Alarm
    private var isCarryingOut = false
    private var isClosed = false

    var hasArrived: Bool? { socket.hasArrived }

    /// - Throws: `CryptoError`.
    init(
        _ socket: DatagramSocket, _ environment: SessionEnvironment, accept: (@Sendable (any Link) -> Void)?
    ) throws {
        self.socket = socket
        self.environment = environment
        self.accept = accept
        loop = socket.loop
        localAddress = Self.address(socket.localAddress)
        var limits = DatagramEndpoint.Limits()
        limits.halfOpen = environment.limits.handshake.halfOpen
        limits.unproved = limits.halfOpen / 2
        limits.deadline = environment.limits.handshake.deadline
        limits.sessions = environment.limits.connections.inbound * 2
        do {
            machine = try DatagramEndpoint(
                environment.terms, record: environment.record, isListening: accept != nil, limits: limits)
        } catch {
            socket.close()
            throw error
        }
        alarm = Alarm(loop: loop)
        socket.delegate = self
    }

    private static func address(_ address: SocketAddress) -> Address {
        Address(scheme: .udp, address) ?? Address(scheme: .udp, host: "0.0.0.0", port: 0)
    }

    private var now: Instant { Instant(loop.now) }

    // MARK: Dialling

    func dial(_ address: Address, timeout: Duration, _ done: @escaping (Result<any Link, LinkError>) -> Void) {
        machine.record = environment.record
        do throws(HandshakeError) {
            let id = try machine.dial(
                address.pinned(to: nil), pinned: address.peer, deadline: now + timeout, now: now)
            dialled = (id, address, done)
            carryOut()
        } catch {
            done(.failure(.handshake(LinkHandshakeFailure(error))))
            stopListening()
        }
    }

    // MARK: Links

    func send(_ frame: ByteBuffer, on link: UDPLink) {
        do throws(CryptoError) {
            try machine.send(frame, on: link.id)
            carryOut()
        } catch { link.end(.reset("\(error)")) }
    }

    func ended(_ link: UDPLink) {
        machine.close(link.id)
        links[link.id] = nil
        closeIfDone()
    }

    func stopListening() {
        accept = nil
        closeIfDone()
    }

    private func closeIfDone() {
        guard accept == nil, links.isEmpty, !isClosed else { return }
        isClosed = true
        alarm.cancel()
        // What was just given goes out before the socket closes.
        loop.assumeIsolated().execute { [self] in socket.close() }
    }

    // MARK: The socket

    func socketDidRead(_ bytes: ByteBuffer, segment: Int, from remote: SocketAddress, to local: SocketAddress) {
        let source = Self.address(remote)
        if addresses.count >= Self.addressLimit { addresses = [:] }
        addresses[source] = remote
        machine.record = environment.record
        machine.receive(bytes, from: source, now: now)
        carryOut()
    }

    func socketDidReadAll() {}
    func socketDidDrain() {}

    func socketWasRefused() {
        // An established session takes no such word for it: it can be forged.
        guard dialled != nil else { return }
        loop.assumeIsolated().execute { [self] in fail(.refused) }
    }

    func socketDidClose() {
        isClosed = true
        alarm.cancel()
        fail(.closedHere)
        for link in Array(links.values) { link.end(.reset("the socket was closed")) }
    }

    private func fail(_ error: LinkError) {
        guard let dialled else { return }
        self.dialled = nil
        machine.close(dialled.id)
        dialled.done(.failure(error))
        closeIfDone()
    }

    // MARK: Events

    private func carryOut() {
        guard !isCarryingOut else { return }
        isCarryingOut = true
        while true {
            let events = machine.takeEvents()
            if events.isEmpty { break }
            for event in events { carryOut(event) }
        }
        isCarryingOut = false
        guard !isClosed, let next = machine.nextDeadline else { return }
        alarm.set(at: NIODeadline(next)) { [self] in
            alarm.hasGoneOff()
            machine.advance(to: now)
            carryOut()
        }
    }

    private func carryOut(_ event: DatagramEndpoint.Event) {
        switch event {
        case .send(let datagram, let target):
            guard let remote = socketAddress(target) else { return }
            datagram.withUnsafeReadableBytes { socket.send($0, segment: $0.count, to: remote) }
        case .opened(let id, let isOutbound, let hello, let remote, let line):
            if let line { environment.logKeys(line) }
            let link = UDPLink(self, id: id, hello: hello, remote: remote)
            if isOutbound {
                guard let dialled, dialled.id == id else { return machine.close(id) }
                links[id] = link
                self.dialled = nil
                dialled.done(.success(link))
            } else {
                guard let accept else { return machine.close(id) }
                links[id] = link
                accept(link)
            }
        case .received(let id, let frame): links[id]?.receive(frame)
        case .moved(let id, let remote): links[id]?.remoteAddress = remote
        case .failed(let id, let error):
            guard dialled?.id == id else { return }
            if case .linkClosed = error { fail(.timeout) } else { fail(.handshake(LinkHandshakeFailure(error))) }
        case .refused: break
        }
    }

    private func socketAddress(_ address: Address) -> SocketAddress? {
        if let known = addresses[address] { return known }
        let made = try? SocketAddress(ipAddress: address.host, port: Int(address.port))
        if let made { addresses[address] = made }
        return made
    }
}
