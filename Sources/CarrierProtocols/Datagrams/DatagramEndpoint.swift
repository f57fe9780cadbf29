public import CarrierCrypto
public import CarrierWire
public import NIOCore

/// All that happens on one UDP socket (carrier-wire(7) §6): handshakes of both sides, sessions, their table. Feed it what
/// arrives and the time; carry out what `takeEvents` gives.
public final class DatagramEndpoint {
    /// What strangers may cost.
    public struct Limits: Sendable, Hashable {
        /// Inbound handshakes at once; one more ends the oldest. Default 32.
        public var halfOpen = 32
        /// Inbound handshakes above which the source address must be proved first. Default 16.
        public var unproved = 16
        /// Sessions that others began. Default 256.
        public var sessions = 256
        /// An inbound handshake, as a whole. Default 10 s.
        public var deadline: Duration = .seconds(10)
        /// When a lost datagram of a handshake is sent again, doubling. Default 250 ms.
        public var firstRepeat: Duration = .milliseconds(250)
        /// The defaults.
        public init() {}
    }

    /// What is to be done or to be known.
    public enum Event: Sendable {
        /// Send this datagram.
        case send(ByteBuffer, to: Address)
        /// A session stands; `id` names it from now on.
        case opened(id: UInt32, isOutbound: Bool, Hello, remote: Address, keyLogLine: String?)
        /// A frame of a session came.
        case received(id: UInt32, ByteBuffer)
        /// The other side of a session is elsewhere now.
        case moved(id: UInt32, to: Address)
        /// A dial failed.
        case failed(id: UInt32, HandshakeError)
        /// Somebody's word about itself was refused.
        case refused(Address, HandshakeError)
    }

    /// A dial under way.
    private final class Dial {
        let handshake: DatagramHandshake
        let remote: Address
        let pinned: PeerID?
        let deadline: Instant
        /// The datagram that is sent until it is answered.
        var outgoing: ByteBuffer
        var nextSend: Instant
        var wait: Duration
        var session: DatagramSession?

        init(
            _ handshake: DatagramHandshake, _ remote: Address, _ pinned: PeerID?, deadline: Instant,
            _ outgoing: ByteBuffer,
            nextSend: Instant, wait: Duration
        ) {
            self.handshake = handshake
            self.remote = remote
            self.pinned = pinned
            self.deadline = deadline
            self.outgoing = outgoing
            self.nextSend = nextSend
            self.wait = wait
        }
    }

    /// A handshake that somebody else began.
    private struct HalfOpen {
        let id: UInt32
        let theirID: UInt32
        let handshake: DatagramHandshake
        let remote: Address
        let message1: ByteBuffer
        let response: ByteBuffer
        let began: Instant
    }

    private final class Open {
        var session: DatagramSession
        let isOutbound: Bool
        init(_ session: consuming DatagramSession, isOutbound: Bool) {
            self.session = session
            self.isOutbound = isOutbound
        }
    }

    private let terms: HandshakeTerms
    private let limits: Limits
    private let isListening: Bool
    private let tokens: RetryTokens
    private var random: any RandomNumberGenerator
    private var dials: [UInt32: Dial] = [:]
    /// The oldest first.
    private var halfOpen: [HalfOpen] = []
    private var sessions: [UInt32: Open] = [:]
    private var events: [Event] = []

    /// What this node tells about itself in handshakes to come.
    public var record: PeerRecord

    /// - Parameters:
    ///   - terms: what both sides must agree on, and who we are.
    ///   - record: what this node tells about itself.
    ///   - isListening: whether to answer those who begin a handshake.
    ///   - limits: handshakes and sessions at most.
    ///   - random: for keys and tokens.
    public init(
        _ terms: HandshakeTerms, record: PeerRecord, isListening: Bool, limits: Limits = Limits(),
        random: any RandomNumberGenerator = SystemRandom()
    ) throws(CryptoError) {
        self.terms = terms
        self.record = record
        self.isListening = isListening
        self.limits = limits
        self.random = random
        tokens = try RetryTokens()
    }

    /// What has to be done since the last call, in order.
    public func takeEvents() -> [Event] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// When `advance` is due; nil while nothing waits.
    public var nextDeadline: Instant? {
        let sends = dials.values.map { min($0.nextSend, $0.deadline) }
        let ends = halfOpen.map { $0.began + limits.deadline }
        return (sends + ends).min()
    }

    /// How many handshakes of others are under way, and how many sessions stand.
    public var counts: (halfOpen: Int, sessions: Int) { (halfOpen.count, sessions.count) }

    private func freshID() -> UInt32 {
        while true {
            let id = UInt32(truncatingIfNeeded: random.next())
            if id != 0, dials[id] == nil, sessions[id] == nil, !halfOpen.contains(where: { $0.id == id }) { return id }
        }
    }

    // MARK: Dialling

    /// Begins a handshake; its end is an event.
    ///
    /// - Returns: what the events call it.
    public func dial(
        _ remote: Address, pinned: PeerID?, deadline: Instant, now: Instant
    ) throws(HandshakeError) -> UInt32 {
        let preface = Preface(network: terms.network)
        let handshake = try DatagramHandshake(terms, record: record, preface: preface)
        let id = freshID()
        let outgoing = Datagram.initiation(
            sender: id, preface: preface, token: ByteBuffer(), message: try handshake.message1()
        ).encoded
        dials[id] = Dial(
            handshake, remote, pinned, deadline: deadline, outgoing, nextSend: now + limits.firstRepeat,
            wait: limits.firstRepeat)
        events.append(.send(outgoing, to: remote))
        return id
    }

    /// Gives up a dial, or forgets a session.
    public func close(_ id: UInt32) {
        dials[id] = nil
        sessions[id] = nil
    }

    /// Sends one frame of a session.
    ///
    /// - Throws: `CryptoError` when the session can seal no more; end it then.
    public func send(_ frame: ByteBuffer, on id: UInt32) throws(CryptoError) {
        guard let open = sessions[id] else { return }
        events.append(.send(try open.session.seal(frame), to: open.session.remote))
    }

    // MARK: Time

    /// Sends again what was not answered, and ends what took too long.
    public func advance(to now: Instant) {
        for (id, dial) in dials {
            if now >= dial.deadline {
                dials[id] = nil
                events.append(.failed(id: id, .linkClosed("no answer in time")))
            } else if now >= dial.nextSend {
                dial.wait = dial.wait + dial.wait
                dial.nextSend = now + dial.wait
                events.append(.send(dial.outgoing, to: dial.remote))
            }
        }
        halfOpen.removeAll { now >= $0.began + limits.deadline }
    }

    // MARK: Receiving

    /// Takes one datagram. What does not authenticate changes nothing and is not answered.
    public func receive(_ bytes: ByteBuffer, from source: Address, now: Instant) {
        switch Datagram(bytes) {
        case .initiation(let sender, let preface, let token, let message):
            begin(sender, preface, token, message, source, now)
        case .retry(let receiver, let token):
            retry(receiver, token, source, now)
        case .response(let sender, let receiver, let preface, let message):
            answer(sender, receiver, preface, message, source, now)
        case .final(let sender, let receiver, let message):
            finish(sender, receiver, message, source)
        case .data(let receiver, let counter, let sealed):
            take(receiver, counter, sealed, source)
        case nil: break
        }
    }

    private func begin(
        _ sender: UInt32, _ preface: Preface, _ token: ByteBuffer, _ message: ByteBuffer, _ source: Address,
        _ now: Instant
    ) {
        guard isListening else { return }
        do throws(HandshakeError) {
            try terms.check(preface)
        } catch {
            // Our preface alone says which networks do not match.
            let ours = Preface(network: terms.network)
            let answer = Datagram.response(sender: 0, receiver: sender, preface: ours, message: ByteBuffer())
            events.append(.send(answer.encoded, to: source))
            return
        }
        if let known = halfOpen.first(where: { $0.remote == source && $0.theirID == sender && $0.message1 == message })
        {
            events.append(.send(known.response, to: source))
            return
        }
        if halfOpen.count >= limits.unproved, !tokens.isValid(token, for: source, now: now) {
            guard let token = try? tokens.make(for: source, now: now) else { return }
            events.append(.send(Datagram.retry(receiver: sender, token: token).encoded, to: source))
            return
        }
        do throws(HandshakeError) {
            let handshake = try DatagramHandshake(terms, record: record, preface: preface)
            let id = freshID()
            let response = Datagram.response(
                sender: id, receiver: sender, preface: Preface(network: terms.network),
                message: try handshake.answer(message1: message, observed: source)
            ).encoded
            if halfOpen.count >= limits.halfOpen { halfOpen.removeFirst() }
            halfOpen.append(
                HalfOpen(
                    id: id, theirID: sender, handshake: handshake, remote: source, message1: message,
                    response: response,
                    began: now))
            events.append(.send(response, to: source))
        } catch {
            // A message 1 that no key fits.
        }
    }

    private func retry(_ receiver: UInt32, _ token: ByteBuffer, _ source: Address, _ now: Instant) {
        guard let dial = dials[receiver], dial.remote == source, dial.session == nil,
            case .initiation(let sender, let preface, let before, let message)? = Datagram(dial.outgoing),
            before != token
        else { return }
        dial.outgoing = Datagram.initiation(sender: sender, preface: preface, token: token, message: message).encoded
        dial.nextSend = now + dial.wait
        events.append(.send(dial.outgoing, to: source))
    }

    private func answer(
        _ sender: UInt32, _ receiver: UInt32, _ preface: Preface, _ message: ByteBuffer, _ source: Address,
        _ now: Instant
    ) {
        guard let dial = dials[receiver], dial.remote == source, dial.session == nil else { return }
        do throws(HandshakeError) {
            try terms.check(preface)
            var message3 = ByteBuffer()
            let (keys, hello) = try dial.handshake.answer(
                message2: message, observed: dial.remote, pinned: dial.pinned, message3: &message3)
            dial.session = try session(
                keys, true, hello, sender, source, ephemeral: dial.handshake.ephemeral.publicKey)
            dial.outgoing = Datagram.final(sender: receiver, receiver: sender, message: message3).encoded
            dial.wait = limits.firstRepeat
            dial.nextSend = now + dial.wait
            events.append(.send(dial.outgoing, to: source))
        } catch {
            // Noise itself fails for forged messages too: the real one may still come.
            if case .noise = error { return }
            dials[receiver] = nil
            events.append(.failed(id: receiver, error))
        }
    }

    private func finish(_ sender: UInt32, _ receiver: UInt32, _ message: ByteBuffer, _ source: Address) {
        if let open = sessions[receiver], !open.isOutbound, open.session.theirID == sender {
            // The confirmation was lost.
            return confirm(open)
        }
        guard sessions.count < limits.sessions,
            let index = halfOpen.firstIndex(where: { $0.id == receiver && $0.theirID == sender })
        else { return }
        let half = halfOpen[index]
        do throws(HandshakeError) {
            let (keys, hello) = try half.handshake.finish(
                message1: half.message1, message3: message, observed: half.remote)
            halfOpen.remove(at: index)
            switch hello {
            case .success(let hello):
                let open = Open(
                    try session(
                        keys, false, hello, sender, source, ephemeral: Bytes32(half.message1.readableBytesView)),
                    isOutbound: false)
                sessions[receiver] = open
                events.append(
                    .opened(
                        id: receiver, isOutbound: false, hello, remote: source, keyLogLine: open.session.keyLogLine))
                confirm(open)
            case .failure(let error):
                events.append(.refused(source, error))
                try sayWhy(error, keys, sender, source)
            }
        } catch {
            // Forged, or lost in part: the real one may still come.
        }
    }

    /// The channel stands although the peer is refused: it is told why.
    private func sayWhy(
        _ error: HandshakeError, _ keys: NoiseKeys, _ sender: UInt32, _ source: Address
    ) throws(HandshakeError) {
        let nobody = Hello(staticKeySignature: terms.staticKeySignature, record: record, observedAddress: "", agent: "")
        var session = try session(keys, false, nobody, sender, source, ephemeral: nil)
        var frame = ByteBuffer()
        Disconnect(error.reason, "\(error)").frame().encode(into: &frame)
        do throws(CryptoError) {
            events.append(.send(try session.seal(frame), to: source))
        } catch { throw .crypto(error) }
    }

    private func session(
        _ keys: NoiseKeys, _ isInitiator: Bool, _ hello: Hello, _ theirID: UInt32, _ remote: Address,
        ephemeral: Bytes32?
    ) throws(HandshakeError) -> DatagramSession {
        do throws(CryptoError) {
            return try DatagramSession(
                keys, isInitiator: isInitiator, hello: hello, theirID: theirID, remote: remote,
                ephemeral: terms.keepsKeyLog ? ephemeral : nil)
        } catch { throw .crypto(error) }
    }

    /// Confirms the keys.
    private func confirm(_ open: Open) {
        var frame = ByteBuffer()
        // No request of the connection above ever gets this number: its answer is ignored.
        Keepalive().frame(flags: .request, nonce: .max).encode(into: &frame)
        if let datagram = try? open.session.seal(frame) { events.append(.send(datagram, to: open.session.remote)) }
    }

    private func take(_ receiver: UInt32, _ counter: UInt64, _ sealed: ByteBuffer, _ source: Address) {
        if let open = sessions[receiver] {
            guard let (frame, isNewest) = open.session.open(sealed, counter: counter) else { return }
            if isNewest, source != open.session.remote {
                open.session.remote = source
                events.append(.moved(id: receiver, to: source))
            }
            events.append(.received(id: receiver, frame))
        } else if let dial = dials[receiver], var session = dial.session.take() {
            let opened = session.open(sealed, counter: counter)
            guard let (frame, _) = opened else {
                dial.session = consume session
                return
            }
            dials[receiver] = nil
            let (hello, remote, line) = (session.hello, session.remote, session.keyLogLine)
            sessions[receiver] = Open(session, isOutbound: true)
            events.append(.opened(id: receiver, isOutbound: true, hello, remote: remote, keyLogLine: line))
            events.append(.received(id: receiver, frame))
        }
    }
}
