#if QUIC
    internal import CQUIC
    internal import CarrierCrypto
    internal import CarrierTransport
    internal import CarrierWire
    internal import Glibc
    internal import NIOCore

    /// One UDP socket and the QUIC connections over it. Confined to its event loop.
    final class QUICEndpoint: DatagramSocketDelegate {
        /// Stateless resets and the like a second: more would serve nobody but an attacker.
        private static let strayLimit = 100
        /// What a peer may have under way: at first, and once it has shown that it needs more.
        private static let window: (first: UInt64, most: UInt64) = (1 << 20, 8 << 20)
        /// Segments in one call of the system.
        private static let segmentLimit = 44

        let loop: any EventLoop
        /// Where a batch of packets is put together.
        let scratch = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: DatagramSocket.batchLimit)
        let logKeys: (@Sendable (String) -> Void)?
        private let socket: DatagramSocket
        private let credentials: QUICCredentials
        private let limits: QUICTransport.Limits
        /// Gets the links that others open; nil on an endpoint that only dials.
        private var accept: (@Sendable (any Link) -> Void)?
        private var table: [ConnectionID: QUICConnection] = [:]
        /// Whom the last packet was for; the next one is as a rule, too.
        private var recent: (id: ConnectionID, connection: QUICConnection)?
        private var connections: [ObjectIdentifier: QUICConnection] = [:]
        /// The one connection of an endpoint that dialled: it looks at packets with ids that nobody knows too, for a reset has none.
        private var dialled: QUICConnection?
        private var touched: [QUICConnection] = []
        private var waiting: [QUICConnection] = []
        private let events = UnsafeMutablePointer<cquic_events>.allocate(capacity: 1)
        /// Handshakes of others that are under way, the oldest first.
        private var underWay: [QUICConnection] = []
        private var strays = 0
        private var straysSince: NIODeadline
        private var isClosing = false

        init(
            _ socket: DatagramSocket, _ credentials: QUICCredentials, _ limits: QUICTransport.Limits,
            logKeys: (@Sendable (String) -> Void)?, accept: (@Sendable (any Link) -> Void)?
        ) {
            self.socket = socket
            self.credentials = credentials
            self.limits = limits
            self.logKeys = logKeys
            self.accept = accept
            loop = socket.loop
            straysSince = socket.loop.now
            events.initialize(to: QUICConnection.events())
            socket.delegate = self
        }

        deinit {
            scratch.deallocate()
            events.deinitialize(count: 1)
            events.deallocate()
        }

        /// What every connection of this endpoint is to be.
        func withSettings<Value>(
            owner: UnsafeMutableRawPointer, _ body: (inout cquic_settings) -> Value
        ) -> Value {
            credentials.secret.withUnsafeBytes { secret in
                var settings = cquic_settings(
                    identity: credentials.pointer, events: events, owner: owner,
                    secret: secret.bindMemory(to: UInt8.self).baseAddress, window: Self.window.first,
                    max_window: Self.window.most,
                    handshake_timeout: UInt64(clamping: TimeAmount(limits.deadline).nanoseconds),
                    idle_timeout: UInt64(TimeAmount.seconds(30).nanoseconds), keeps_keys: logKeys != nil)
                return body(&settings)
            }
        }

        // MARK: Dialling

        /// Starts a connection to the socket's other end.
        ///
        /// - Throws: `LinkError`.
        func dial(_ remote: SocketAddress, _ address: Address) throws(LinkError) -> QUICConnection {
            let connection = QUICConnection(
                self, isOutbound: true, localAddress: Self.address(socket.localAddress), remoteAddress: address)
            var path = Self.path(local: socket.localAddress, remote: remote)
            try connection.start(&path, accepting: nil)
            connections[ObjectIdentifier(connection)] = connection
            dialled = connection
            return connection
        }

        // MARK: The socket

        func socketDidRead(_ bytes: ByteBuffer, segment: Int, from remote: SocketAddress, to local: SocketAddress) {
            var path = Self.path(local: local, remote: remote)
            let now = QUICConnection.now()
            bytes.withUnsafeReadableBytes { all in
                var start = 0
                while start < all.count {
                    let end = min(start + segment, all.count)
                    take(UnsafeRawBufferPointer(rebasing: all[start..<end]), &path, from: remote, to: local, now)
                    start = end
                }
            }
        }

        private func take(
            _ packet: UnsafeRawBufferPointer, _ path: inout cquic_path, from remote: SocketAddress,
            to local: SocketAddress,
            _ now: UInt64
        ) {
            let bytes = packet.bindMemory(to: UInt8.self)
            var destination = cquic_id()
            var source = cquic_id()
            var isLong = false
            let kind = cquic_classify(bytes.baseAddress, bytes.count, &destination, &source, &isLong)
            switch kind {
            case CQUIC_PACKET:
                if let connection = owner(of: ConnectionID(destination)) ?? (isLong ? nil : dialled) {
                    connection.read(packet, &path, now: now)
                    if touched.last !== connection { touched.append(connection) }
                } else if isLong {
                    takeFirst(bytes, &path, from: remote, to: local, now)
                } else if accept != nil || !isClosing, mayAnswerStray() {
                    answer(from: local, to: remote) {
                        cquic_write_reset($0, $1, packet.count, &destination, secretPointer)
                    }
                }
            case CQUIC_OTHER_VERSION:
                // Short ones are not answered: nobody shall be sent more than was sent.
                guard accept != nil, packet.count >= 1200, mayAnswerStray() else { return }
                answer(from: local, to: remote) { cquic_write_versions($0, $1, &destination, &source) }
            default: break
            }
        }

        private func owner(of id: ConnectionID) -> QUICConnection? {
            if let recent, recent.id == id { return recent.connection }
            guard let connection = table[id] else { return nil }
            recent = (id, connection)
            return connection
        }

        /// A packet that may begin a connection.
        private func takeFirst(
            _ packet: UnsafeBufferPointer<UInt8>, _ path: inout cquic_path, from remote: SocketAddress,
            to local: SocketAddress, _ now: UInt64
        ) {
            guard accept != nil else { return }
            var initial = cquic_initial()
            let isFirst = remote.withSockAddr { address, size in
                cquic_read_initial(
                    packet.baseAddress, packet.count, secretPointer, address, socklen_t(size), now, &initial)
            }
            guard isFirst else { return }
            if initial.token != nil, !initial.is_validated {
                return answer(from: local, to: remote) { cquic_write_refusal($0, $1, &initial) }
            }
            if underWay.count >= limits.halfOpen / 2, !initial.is_validated {
                return remote.withSockAddr { address, size in
                    answer(from: local, to: remote) {
                        cquic_write_retry($0, $1, &initial, secretPointer, address, socklen_t(size), now)
                    }
                }
            }
            if underWay.count >= limits.halfOpen { underWay.first?.abandon() }
            let connection = QUICConnection(
                self, isOutbound: false, localAddress: Self.address(local), remoteAddress: Self.address(remote))
            underWay.append(connection)
            do throws(LinkError) {
                try connection.start(&path, accepting: &initial)
            } catch { return forget(connection) }
            connections[ObjectIdentifier(connection)] = connection
            connection.read(UnsafeRawBufferPointer(packet), &path, now: now)
            touched.append(connection)
        }

        private var secretPointer: UnsafePointer<UInt8>? {
            // The bytes live as long as the credentials, and those as long as this endpoint.
            credentials.secret.withUnsafeBytes { $0.bindMemory(to: UInt8.self).baseAddress }
        }

        private func answer(
            from local: SocketAddress, to remote: SocketAddress, _ write: (UnsafeMutablePointer<UInt8>?, Int) -> Int
        ) {
            let size = write(scratch.baseAddress, Int(CQUIC_MAX_DATAGRAM))
            guard size > 0 else { return }
            socket.send(
                UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(scratch)[..<size]), segment: size, to: remote,
                from: local)
        }

        private func mayAnswerStray() -> Bool {
            let now = loop.now
            if now - straysSince >= .seconds(1) {
                straysSince = now
                strays = 0
            }
            strays += 1
            return strays <= Self.strayLimit
        }

        func socketDidReadAll() {
            let batch = touched
            touched.removeAll(keepingCapacity: true)
            for connection in batch { connection.didReadAll() }
        }

        func socketDidDrain() {
            let batch = waiting
            waiting = []
            for connection in batch { connection.pump() }
        }

        func socketWasRefused() {
            // Only a socket that dials hears of it: it has one connection.
            let all = Array(connections.values)
            loop.assumeIsolated().execute { for connection in all { connection.wasRefused() } }
        }

        func socketDidClose() {
            for connection in Array(connections.values) { connection.abandon() }
            for connection in Array(connections.values) { forget(connection) }
        }

        // MARK: For connections

        var isFull: Bool { socket.isFull }
        var hasArrived: Bool? { socket.hasArrived }
        /// Packets to put together: as many as the system cuts in one go.
        var packetsInBatch: Int { socket.canSegment ? Self.segmentLimit : 1 }

        /// Calls the connection's `pump` when the system has room again.
        func pumpLater(_ connection: QUICConnection) {
            if waiting.last !== connection { waiting.append(connection) }
        }

        func send(_ bytes: UnsafeRawBufferPointer, _ segment: Int, _ path: inout cquic_path) {
            let remote = SocketAddress(&path.remote)
            let local = SocketAddress(&path.local)
            socket.send(bytes, segment: segment, to: remote, from: local)
        }

        func add(_ id: ConnectionID, _ connection: QUICConnection) {
            table[id] = connection
            recent = nil
        }

        func remove(_ id: ConnectionID) {
            table[id] = nil
            recent = nil
        }

        func accepted(_ connection: QUICConnection) { accept?(connection) }

        func handshakeEnded(of connection: QUICConnection) {
            underWay.removeAll { $0 === connection }
        }

        /// A connection is over; it is remembered for a while, to say so again to a side that did not hear it.
        func ended(_ connection: QUICConnection, for time: TimeAmount) {
            let bound = NIOLoopBound(connection, eventLoop: loop)
            loop.assumeIsolated().scheduleTask(in: time) { [self] in forget(bound.value) }
            closeIfDone()
        }

        private func forget(_ connection: QUICConnection) {
            for id in connection.ids where table[id] === connection { table[id] = nil }
            recent = nil
            connections[ObjectIdentifier(connection)] = nil
            touched.removeAll { $0 === connection }
            waiting.removeAll { $0 === connection }
            if dialled === connection { dialled = nil }
            connection.free()
            if accept == nil, connections.isEmpty { isClosing = true }
            closeIfDone()
        }

        // MARK: Ending

        /// Takes no new connections, and closes the socket with the last that stands.
        func stopListening() {
            accept = nil
            isClosing = true
            closeIfDone()
        }

        private func closeIfDone() {
            guard isClosing, connections.values.allSatisfy(\.hasEnded) else { return }
            // Whoever calls may be in the middle of something with a connection.
            loop.assumeIsolated().execute { [self] in socket.close() }
        }

        // MARK: Addresses

        static func path(local: SocketAddress, remote: SocketAddress) -> cquic_path {
            var path = cquic_path()
            path.local_size = local.copy(to: &path.local)
            path.remote_size = remote.copy(to: &path.remote)
            return path
        }

        static func address(_ address: SocketAddress) -> Address {
            Address(scheme: .quic, address) ?? Address(scheme: .quic, host: "0.0.0.0", port: 0)
        }
    }
#endif
