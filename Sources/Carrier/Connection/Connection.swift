internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTransport
internal import CarrierWire
internal import Logging
internal import NIOCore

/// A live session with one peer and what the shell keeps for it. Confined to its node's loop.
///
/// There is one a peer. The link beneath it may be replaced when both sides dialled at once; the connection, its requests
/// and its place in the order of messages stay.
final class Connection: SessionLinkOwner {
    /// Why frames of the peer are held back.
    struct Holds: OptionSet {
        let rawValue: Int
        /// The consumer of the byte stream is slow, or there is none yet.
        static let stream = Holds(rawValue: 1)
        /// A message was received with a lock.
        static let lock = Holds(rawValue: 2)
        /// The application has not taken what came before.
        static let inbox = Holds(rawValue: 4)
        /// The peer does not read what it provokes.
        static let sendBuffer = Holds(rawValue: 8)
        /// What the link before this one still brings comes first.
        static let predecessor = Holds(rawValue: 16)
    }

    let info: PeerInfo
    /// How long connecting and the handshake took.
    let timing: ConnectionTiming
    /// Since when it stands.
    let openedAt: NIODeadline
    /// Holds this connection until it is over: nothing here is held weakly, which every frame would pay for.
    let node: NodeCore

    /// The session that frames go out on; nil while the peer's other dial takes over.
    var session: SessionLink?
    /// Sessions that were replaced and are read until they end.
    var retired: [SessionLink] = []
    /// The one of them on which frames went out: the next ones follow when its end says that the peer has read those. The
    /// peer cannot hold them back itself, for it may not know yet whose link this was.
    var predecessor: SessionLink?
    /// Frames for the link that takes over, until it may be used.
    var unsent: [Frame] = []
    var unsentBytes = 0

    var requests = RequestTable()
    /// Since when the send buffer is full.
    var fullSince: NIODeadline?
    /// Frames that wait for room in it.
    var roomWaiters: [RoomWaiter] = []
    var lastRoomWaiter: UInt64 = 0

    var holds: Holds = []
    /// What the application has not taken yet.
    let inbox: Inbox
    /// Takes the byte stream.
    var stream: (any StreamConsumer)?
    /// A frame of the byte stream that came before there was anybody to take it.
    var earlyBytes: [Frame] = []
    /// Whether any frame but a good-bye has come.
    var hasHeardFrame = false
    /// Whether no application has had a use for it, as far as this side can tell.
    var isSpare: Bool
    /// When it last carried a message of a component.
    var usedAt: NIODeadline

    var alarm: Alarm
    var probe: ((Bool) -> Void)?
    var keepaliveSentAt: NIODeadline?
    private var penalties = 0
    private(set) var isOver = false
    /// Why it is over.
    private(set) var cause: DisconnectCause?
    /// Bytes of the links before the present one.
    var pastBytesOut: UInt64 = 0
    var pastBytesIn: UInt64 = 0

    var peer: PeerID { info.peer }
    var bytesOut: UInt64 { pastBytesOut &+ (session?.bytesOut ?? 0) }
    var bytesIn: UInt64 { pastBytesIn &+ (session?.bytesIn ?? 0) }
    var limits: Limits { node.environment.limits }

    init(_ session: SessionLink, info: PeerInfo, timing: ConnectionTiming, node: NodeCore) {
        self.session = session
        self.info = info
        self.timing = timing
        self.node = node
        // A client came for an application of this node.
        isSpare = info.isOutbound ? session.isSpare : !info.record.addresses.isEmpty
        openedAt = node.environment.now()
        usedAt = openedAt
        inbox = Inbox(byteLimit: node.environment.limits.receive.waiting)
        alarm = Alarm(loop: node.environment.loop)
        session.owner = self
        watch()
    }

    /// Whether the peer's own dial may still be under way: as long as a dial and its handshake can take.
    var isFresh: Bool {
        guard let session else { return true }
        let age = Duration(node.environment.now() - session.openedAt)
        return age < limits.dial.timeout + limits.handshake.deadline
    }

    /// The connection, which the application has a use for.
    var used: Connection {
        isSpare = false
        return self
    }

    /// Whether this side dialled the link that frames go out on now.
    var currentIsOutbound: Bool { session?.isOutbound ?? info.isOutbound }

    /// Misbehaviour that a connection survives.
    private static let patience = 16

    /// The peer did something that it should not have done; enough of that ends the connection.
    func penalise(_ text: String) {
        penalties += 1
        if penalties >= Self.patience { fail(.protocolError, text) }
    }

    // MARK: Ending

    /// Tells the peer and ends the connection; components hear of it at once.
    func close(_ reason: Disconnect.Reason, _ text: String = "") {
        guard !isOver else { return }
        if let session {
            node.recordFrame(Disconnect(reason, text).frame(), isSent: true, peer: peer)
            session.owner = nil
            sendUnsent()
            session.close(reason, text)
        }
        finish(.local(reason, text))
    }

    /// Ends the connection over something that the peer did.
    func fail(_ reason: Disconnect.Reason, _ text: String) { close(reason, text) }

    /// Ends the connection without a word.
    func abort(_ cause: DisconnectCause) {
        guard !isOver else { return }
        session?.owner = nil
        session?.abort(cause)
        finish(cause)
    }

    func receiveGoodbye(_ frame: Frame, on session: SessionLink) {
        guard let goodbye = decode(Disconnect.self, frame) else { return }
        guard session === self.session else {
            // The replaced link: its other side has said all that it had to say there.
            return session.retireForGood()
        }
        if goodbye.reason == .duplicateConnection, node.expectsSuccessor(of: self) {
            return awaitSuccessor(of: session)
        }
        session.owner = nil
        session.abort(.remote(goodbye.reason, goodbye.text))
        finish(.remote(goodbye.reason, goodbye.text))
    }

    func session(_ session: SessionLink, didClose end: SessionEnd) {
        if let index = retired.firstIndex(where: { $0 === session }) {
            retired.remove(at: index)
            if retired.isEmpty { setHold(.predecessor, false) }
            if session === predecessor {
                predecessor = nil
                sendUnsent()
                stream?.streamCanSend()
            }
            return
        }
        guard session === self.session else { return }
        switch end {
        case .handshake(let error): finish(.broken("\(error)"))
        case .disconnected(let cause): finish(cause)
        }
    }

    func finish(_ cause: DisconnectCause) {
        guard !isOver else { return }
        isOver = true
        self.cause = cause
        alarm.cancel()
        pastBytesOut = bytesOut
        pastBytesIn = bytesIn
        session = nil
        for link in retired { link.abort(cause) }
        retired = []
        predecessor = nil
        unsent = []
        let probe = probe
        self.probe = nil
        for waiter in requests.takeAll() { settle(waiter, .failed(.disconnected(cause))) }
        let waiters = roomWaiters
        roomWaiters = []
        for waiter in waiters { waiter.completion(.disconnected(cause)) }
        let stream = stream
        self.stream = nil
        stream?.streamDidClose(cause)
        inbox.close(cause)
        node.connectionDidEnd(self, cause)
        // Last: another connection of the peer may take the place now.
        probe?(false)
    }
}

/// How long it took to make a connection.
struct ConnectionTiming {
    /// From the first packet to the link; zero where the other side dialled.
    var connect: Duration
    /// From the link to the session.
    var handshake: Duration
}
