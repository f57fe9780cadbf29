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
        static let highWater = 256 * 1024
        /// Keep-alive while data flows: a side that only receives notices so that its way out has moved.
        static let fastKeepAlive: TimeAmount = .seconds(1)
        static let slowKeepAlive: TimeAmount = .seconds(10)

        enum Phase {
            case handshake
            case open
            /// Said or heard that it is over: kept for a while to say it again.
            case ended
        }

        let endpoint: QUICEndpoint
        let isOutbound: Bool
        let remoteAddress: Address
        let localAddress: Address
        var pointer: OpaquePointer?
        var phase = Phase.handshake {
            didSet { if oldValue == .handshake, phase != .handshake { endpoint.handshakeEnded(of: self) } }
        }
        /// The ids that lead here.
        var ids: Set<ConnectionID> = []

        var queue = SendQueue()
        var wantsEnd = false
        var hasSentEnd = false
        var wasFull = false
        var isPumping = false
        var pumpsAgain = false

        var received = ByteBuffer()
        /// Bytes that were handed over last.
        var lastReceived = 0
        var heardEnd = false
        var isReading = true
        var isStreamOver = false
        var streamCode: UInt64 = 0

        var timer: Scheduled<Void>?
        var timerAt: NIODeadline = .distantFuture
        var isFast = false
        var receivedAt: NIODeadline
        var heardAt: NIODeadline
        var refusedAt: NIODeadline?
        var becameOpen = false

        var farewell: ByteBuffer?
        var farewellPath = cquic_path()
        var unansweredPackets = 0
        var endError: LinkError?
        var isDetached = false
        var toldEnd = false

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
        var hasArrived: Bool? { queue.unsent == 0 ? endpoint.hasArrived : nil }
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
    }
#endif
