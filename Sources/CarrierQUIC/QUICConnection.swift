#if QUIC
    internal import CQUIC
    internal import CarrierCrypto
    internal import CarrierTransport
    internal import CarrierWire
    internal import Glibc
    internal import NIOCore

    /// A QUIC connection and its one stream as a link. Confined to the loop of its endpoint.
    final class QUICConnection: Link {
        /// Unsent bytes above which a link has no room, and below which it has again.
        private static let highWater = 256 * 1024
        /// Keep-alive while data flows: a side that only receives notices so that its way out has moved.
        private static let fastKeepAlive: TimeAmount = .seconds(1)
        private static let slowKeepAlive: TimeAmount = .seconds(10)
        /// How long a side that was told that nobody listens waits for a sign of life.
        private static let patience: TimeAmount = .seconds(1)
        /// How long a link that its owner has left may go on sending what waits.
        private static let linger: TimeAmount = .seconds(2)

        private enum Phase {
            case handshake
            case open
            /// Said or heard that it is over: kept for a while to say it again.
            case ended
        }

        let endpoint: QUICEndpoint
        let isOutbound: Bool
        let remoteAddress: Address
        let localAddress: Address
        private var pointer: OpaquePointer?
        private var phase = Phase.handshake
        /// The ids that lead here.
        private(set) var ids: Set<ConnectionID> = []

        private var queue = SendQueue()
        private var wantsEnd = false
        private var hasSentEnd = false
        private var wasFull = false
        private var isPumping = false
        private var pumpsAgain = false

        private var received = ByteBuffer()
        private var heardEnd = false
        private var isReading = true
        private var isStreamOver = false
        private var streamCode: UInt64 = 0

        private var timer: Scheduled<Void>?
        private var timerAt: NIODeadline = .distantFuture
        private var isFast = false
        private var receivedAt: NIODeadline
        private var heardAt: NIODeadline
        private var refusedAt: NIODeadline?
        private var becameOpen = false

        private var farewell: ByteBuffer?
        private var farewellPath = cquic_path()
        private var unansweredPackets = 0
        private var endError: LinkError?
        private var isDetached = false
        private var toldEnd = false

        /// Gets the link when it stands, or why it does not. For a side that dialled.
        var onOutcome: ((Result<any Link, LinkError>) -> Void)?

        var delegate: (any LinkDelegate)? {
            didSet { if delegate != nil { deliverSoon() } }
        }

        init(
            _ endpoint: QUICEndpoint, isOutbound: Bool, localAddress: Address, remoteAddress: Address
        ) {
            self.endpoint = endpoint
            self.isOutbound = isOutbound
            self.localAddress = localAddress
            self.remoteAddress = remoteAddress
            receivedAt = endpoint.loop.now
            heardAt = receivedAt
        }

        /// Starts the handshake; nil for `initial` on the side that dials.
        ///
        /// - Throws: `LinkError`.
        func start(_ path: inout cquic_path, accepting initial: UnsafePointer<cquic_initial>?) throws(LinkError) {
            var made: OpaquePointer?
            let owner = Unmanaged.passUnretained(self).toOpaque()
            let now = Self.now()
            let status = endpoint.withSettings(owner: owner) { settings in
                if let initial {
                    cquic_accept(&made, &settings, &path, initial, now)
                } else {
                    cquic_connect(&made, &settings, &path, now)
                }
            }
            guard status == 0, let made else { throw .reset("QUIC: \(String(cString: cquic_error(status)))") }
            pointer = made
            cquic_keep_alive(made, UInt64(Self.slowKeepAlive.nanoseconds))
        }

        deinit {
            if let pointer { cquic_free(pointer) }
        }

        static func now() -> UInt64 { NIODeadline.now().uptimeNanoseconds }

        // MARK: Link

        var eventLoop: any EventLoop { endpoint.loop }
        var isWritable: Bool { phase != .ended && !wantsEnd && queue.unsent < Self.highWater }
        var isInHandshake: Bool { phase == .handshake }
        var hasEnded: Bool { phase == .ended }

        var security: LinkSecurity {
            guard let pointer else { return .none }
            var isKnown = false
            let key = Bytes32 { output in
                isKnown = cquic_peer_key(pointer, output.bindMemory(to: UInt8.self).baseAddress)
            }
            // A connection never stands without it.
            return isKnown ? .authenticated(PeerID(key)) : .none
        }

        func write(_ bytes: ByteBuffer) {
            guard phase != .ended, !wantsEnd else { return }
            queue.append(bytes)
        }

        func flush() {
            if queue.unsent >= Self.highWater { wasFull = true }
            pump()
        }

        func setReading(_ isReading: Bool) {
            self.isReading = isReading
            if isReading { deliverSoon() }
        }

        func finish() {
            guard !wantsEnd else { return }
            wantsEnd = true
            pump()
            endIfDone()
        }

        func close() {
            guard phase != .ended else { return tell(.closedHere) }
            end(.closedHere, saying: 0)
        }

        // MARK: Receiving

        func read(_ packet: UnsafeRawBufferPointer, _ path: inout cquic_path, now: UInt64) {
            guard let pointer else { return }
            guard phase != .ended else { return repeatFarewell() }
            heardAt = endpoint.loop.now
            refusedAt = nil
            let status = cquic_read(
                pointer, &path, packet.bindMemory(to: UInt8.self).baseAddress, packet.count, now)
            if status != 0 { fail(status) }
        }

        /// A batch of packets was read: hands on what came, answers.
        func didReadAll() {
            if becameOpen { open() }
            deliver()
            if phase != .ended { pump() }
            endIfDone()
        }

        private func open() {
            becameOpen = false
            guard let pointer, phase == .handshake else { return }
            phase = .open
            guard isOutbound else { return endpoint.accepted(self) }
            let status = cquic_open_stream(pointer)
            guard status == 0 else {
                return end(.reset("the other side takes no stream: \(String(cString: cquic_error(status)))"), saying: 0)
            }
            settle(.success(self))
        }

        private func settle(_ result: Result<any Link, LinkError>) {
            let outcome = onOutcome
            onOutcome = nil
            outcome?(result)
        }

        private func deliverSoon() {
            endpoint.loop.assumeIsolated().execute { [self] in
                deliver()
                if phase != .ended { pump() }
                endIfDone()
            }
        }

        /// Gives the owner what came, while it reads; only then may the other side send more.
        private func deliver() {
            guard let delegate, isReading else { return }
            let count = received.readableBytes
            if count > 0 {
                let bytes = received
                received = ByteBuffer()
                if phase != .ended, let pointer { cquic_consumed(pointer, UInt64(count)) }
                delegate.linkDidRead(bytes)
                delegate.linkDidReadAll()
            }
            guard received.readableBytes == 0, isReading else { return }
            if let endError { return tell(endError) }
            if heardEnd, !wantsEnd {
                // The owner hears of the end at once; what it gave still goes out.
                wantsEnd = true
                detach()
            }
        }

        private func detach() {
            guard !isDetached else { return }
            isDetached = true
            tell(.endOfStream)
            endpoint.loop.assumeIsolated().scheduleTask(in: Self.linger) { [self] in
                if phase != .ended { end(.endOfStream, saying: 0) }
            }
        }

        /// Both directions are over and the other side knows: nothing is left to say.
        private func endIfDone() {
            guard phase == .open, isStreamOver, received.readableBytes == 0 else { return }
            // The acknowledgement of its last packet goes before the good-bye.
            pump()
            guard phase == .open else { return }
            end(streamCode == 0 ? .endOfStream : .reset("the other side gave up the stream"), saying: 0)
        }

        // MARK: Sending

        /// Sends all that can be sent now, and sees to the timer.
        func pump() {
            guard !isPumping else {
                pumpsAgain = true
                return
            }
            isPumping = true
            repeat {
                pumpsAgain = false
                sendBatches()
                if wasFull, isWritable {
                    wasFull = false
                    delegate?.linkDidChangeWritability()
                }
            } while pumpsAgain && phase != .ended
            isPumping = false
            rearm()
        }

        private func sendBatches() {
            let scratch = endpoint.scratch
            while let pointer, phase != .ended, !endpoint.isFull {
                let now = Self.now()
                var taken = 0
                var tookEnd = false
                var isBlocked = false
                var segment = 0
                var path = cquic_path()
                let queue = queue
                let isLast = wantsEnd && !hasSentEnd
                let count = queue.withUnsent { parts, isAll in
                    cquic_write(
                        pointer, scratch.baseAddress, scratch.count, endpoint.packetsInBatch, parts.baseAddress,
                        parts.count,
                        isLast && isAll, &taken, &tookEnd, &isBlocked, &segment, &path, now)
                }
                self.queue.sent(taken)
                if tookEnd { hasSentEnd = true }
                guard count >= 0 else { return fail(CInt(count)) }
                guard count > 0 else { return }
                endpoint.send(
                    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(scratch)[..<count]), segment, &path)
                cquic_sent(pointer, now)
            }
            if endpoint.isFull { endpoint.pumpLater(self) }
        }

        // MARK: Time

        private func rearm() {
            guard let pointer, phase != .ended else { return }
            let expiry = cquic_expiry(pointer)
            guard expiry != .max else { return }
            let deadline = NIODeadline.uptimeNanoseconds(expiry)
            guard deadline < timerAt else { return }
            timer?.cancel()
            timerAt = deadline
            timer = endpoint.loop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in self?.timerFired()
            }
        }

        private func timerFired() {
            timerAt = .distantFuture
            timer = nil
            guard let pointer, phase != .ended else { return }
            let now = Self.now()
            // A deadline that was moved later since is only looked at.
            if cquic_expiry(pointer) <= now {
                let status = cquic_expire(pointer, now)
                if status != 0 { return fail(status) }
            }
            if isFast, endpoint.loop.now - receivedAt > .seconds(5) { setFast(false) }
            pump()
        }

        private func setFast(_ isFast: Bool) {
            self.isFast = isFast
            let interval = isFast ? Self.fastKeepAlive : Self.slowKeepAlive
            if let pointer { cquic_keep_alive(pointer, UInt64(interval.nanoseconds)) }
        }

        /// The system says that nobody listens there. That may be forged: who is there after all has a second to say so.
        func wasRefused() {
            guard phase != .ended, refusedAt == nil else { return }
            guard phase == .open, let pointer else { return end(.refused, saying: nil) }
            refusedAt = endpoint.loop.now
            cquic_keep_alive(pointer, UInt64(TimeAmount.milliseconds(200).nanoseconds))
            pump()
            endpoint.loop.assumeIsolated().scheduleTask(in: Self.patience) { [weak self] in
                guard let self, phase == .open else { return }
                if refusedAt != nil {
                    end(.reset("nobody listens there any more"), saying: nil)
                } else {
                    setFast(isFast)
                }
            }
        }

        // MARK: Ending

        /// The library gave up the connection.
        private func fail(_ status: CInt) {
            guard let pointer, phase != .ended else { return }
            if cquic_is_draining(pointer) {
                var remote = cquic_end()
                cquic_remote_end(pointer, &remote)
                end(Self.error(of: &remote), saying: nil)
            } else {
                let alert = cquic_alert(pointer)
                let text =
                    alert == 0
                    ? String(cString: cquic_error(status)) : "TLS: \(String(cString: cquic_alert_name(alert)))"
                let isSilent = cquic_is_silent_end(status)
                let error: LinkError =
                    isInHandshake && alert == 0
                    ? .timeout : .reset(isSilent ? "expected a sign of life, heard nothing (\(text))" : text)
                end(error, saying: isSilent ? nil : status)
            }
        }

        private static func error(of remote: inout cquic_end) -> LinkError {
            if remote.is_orderly { return .endOfStream }
            if remote.alert >= 0 {
                return .reset(
                    "the other side refused the handshake: \(String(cString: cquic_alert_name(remote.alert)))")
            }
            let reason = withUnsafeBytes(of: remote.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return .reset(reason.isEmpty ? "the other side closed with code \(remote.code)" : reason)
        }

        /// - Parameter status: what the other side is told: 0 for an orderly end, an error of the library, nil for nothing.
        private func end(_ error: LinkError, saying status: CInt?) {
            guard phase != .ended, let pointer else { return }
            let wasHandshake = phase == .handshake
            let remaining = cquic_farewell(pointer)
            if let status { sayFarewell(status) }
            phase = .ended
            timer?.cancel()
            timer = nil
            queue = SendQueue()
            endpoint.ended(self, for: .nanoseconds(Int64(clamping: max(remaining, 50_000_000))))
            if wasHandshake || onOutcome != nil { settle(.failure(error)) }
            // What came before the end is handed over first, except when it is this side that closes.
            endError = error
            if error == .closedHere || received.readableBytes == 0 { tell(error) } else { deliverSoon() }
        }

        private func sayFarewell(_ status: CInt) {
            guard let pointer else { return }
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(CQUIC_MAX_DATAGRAM)) { room in
                let size = cquic_write_close(pointer, room.baseAddress, room.count, status, &farewellPath, Self.now())
                guard size > 0 else { return }
                let packet = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<size])
                farewell = ByteBuffer(bytes: packet)
                endpoint.send(packet, size, &farewellPath)
            }
        }

        /// Who still sends has not heard that it is over. Every second time as rarely as before, so that two such sides fall silent.
        private func repeatFarewell() {
            guard let farewell else { return }
            unansweredPackets += 1
            guard unansweredPackets & (unansweredPackets - 1) == 0 else { return }
            farewell.withUnsafeReadableBytes { endpoint.send($0, $0.count, &farewellPath) }
        }

        /// Tells the owner that the link is over, once it is done with what it is at.
        private func tell(_ error: LinkError) {
            guard !toldEnd, let delegate else { return }
            toldEnd = true
            self.delegate = nil
            endpoint.loop.assumeIsolated().execute { delegate.linkDidClose(error) }
        }

        /// The endpoint forgets the connection.
        func free() {
            timer?.cancel()
            timer = nil
            phase = .ended
            if let pointer {
                self.pointer = nil
                cquic_free(pointer)
            }
        }

        /// The socket is gone.
        func abandon() {
            guard phase != .ended else { return }
            end(.reset("the socket was closed"), saying: nil)
        }

        // MARK: What the library tells

        /// The callbacks only note what happened: they run inside the library.
        static func events() -> cquic_events {
            cquic_events(
                completed: { QUICConnection.of($0)?.handshakeCompleted() },
                confirmed: { QUICConnection.of($0)?.becameOpen = true },
                received: { QUICConnection.of($0)?.didReceive($1, $2, isLast: $3) },
                acknowledged: { QUICConnection.of($0)?.queue.acknowledged(Int(clamping: $1)) },
                stream_closed: { QUICConnection.of($0)?.streamClosed($1) },
                unblocked: { _ in },
                added: { QUICConnection.of($0)?.added($1, $2) },
                removed: { QUICConnection.of($0)?.removed($1, $2) },
                keys: { owner, line in
                    if let line { QUICConnection.of(owner)?.endpoint.logKeys?(String(cString: line)) }
                })
        }

        private static func of(_ owner: UnsafeMutableRawPointer?) -> QUICConnection? {
            owner.map { Unmanaged<QUICConnection>.fromOpaque($0).takeUnretainedValue() }
        }

        private func handshakeCompleted() {
            // A side that dialled waits for the other side to accept its certificate too.
            if !isOutbound { becameOpen = true }
        }

        private func didReceive(_ bytes: UnsafePointer<UInt8>?, _ count: Int, isLast: Bool) {
            received.writeBytes(UnsafeRawBufferPointer(start: bytes, count: count))
            if isLast { heardEnd = true }
            receivedAt = heardAt
            if !isFast { setFast(true) }
        }

        private func streamClosed(_ code: UInt64) {
            isStreamOver = true
            if code != 0 { streamCode = code }
        }

        private func added(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
            let id = ConnectionID(UnsafeBufferPointer(start: bytes, count: count))
            ids.insert(id)
            endpoint.add(id, self)
        }

        private func removed(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
            let id = ConnectionID(UnsafeBufferPointer(start: bytes, count: count))
            ids.remove(id)
            endpoint.remove(id)
        }
    }
#endif
