import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite("Sessions over datagrams")
struct DatagramEndpointTests {
    /// A node on the network of a test: what it sends lies in `sent` until the test carries it.
    private final class Side {
        let address: Address
        let id: PeerID
        let endpoint: DatagramEndpoint
        var sent: [ByteBuffer] = []
        var opened: [UInt32] = []
        var frames: [ByteBuffer] = []
        var failures: [HandshakeError] = []
        var refusals: [HandshakeError] = []
        var moves: [Address] = []

        init(port: UInt16, isListening: Bool, network: UInt32 = 1, minimum: Int = 0) throws {
            let identity = Identity(key: try .generate(), puzzleNonce: .zero)
            let terms = try HandshakeTerms(
                identity: identity, staticKey: .generate(), agent: "test", network: network,
                minimum: Puzzle.Difficulty(staticBits: minimum, dynamicBits: 0))
            let record = try PeerRecord(signedBy: identity, sequence: 1, addresses: [])
            address = Address(scheme: .udp, host: "127.0.0.1", port: port)
            id = identity.peerID
            endpoint = try DatagramEndpoint(terms, record: record, isListening: isListening)
        }

        func collect() {
            for event in endpoint.takeEvents() {
                switch event {
                case .send(let bytes, _): sent.append(bytes)
                case .opened(let id, _, _, _, _): opened.append(id)
                case .received(_, let frame): frames.append(frame)
                case .moved(_, let address): moves.append(address)
                case .failed(_, let error): failures.append(error)
                case .refused(_, let error): refusals.append(error)
                }
            }
        }

        func takeSent() -> [ByteBuffer] {
            collect()
            defer { sent = [] }
            return sent
        }

        func hear(_ bytes: ByteBuffer, from source: Address, at time: Instant = Instant(nanoseconds: 0)) {
            endpoint.receive(bytes, from: source, now: time)
            collect()
        }
    }

    private let start = Instant(nanoseconds: 0)

    /// Carries what both sides say until they are silent.
    private func talk(_ a: Side, _ b: Side) {
        while true {
            let (fromA, fromB) = (a.takeSent(), b.takeSent())
            if fromA.isEmpty, fromB.isEmpty { return }
            for bytes in fromA { b.hear(bytes, from: a.address) }
            for bytes in fromB { a.hear(bytes, from: b.address) }
        }
    }

    private func pair() throws -> (dialler: Side, listener: Side, there: UInt32, here: UInt32) {
        let dialler = try Side(port: 1, isListening: false)
        let listener = try Side(port: 2, isListening: true)
        let id = try dialler.endpoint.dial(
            listener.address, pinned: listener.id, deadline: start + .seconds(5), now: start)
        talk(dialler, listener)
        #expect(dialler.opened == [id])
        return (dialler, listener, try #require(listener.opened.first), id)
    }

    private func frame(_ text: String) -> ByteBuffer {
        var bytes = ByteBuffer()
        Frame(Opcode(rawValue: 1000), body: ByteBuffer(string: text)).encode(into: &bytes)
        return bytes
    }

    @Test("a handshake takes four datagrams, and frames go both ways")
    func handshake() throws {
        let (dialler, listener, there, here) = try pair()
        try dialler.endpoint.send(frame("hello"), on: here)
        try listener.endpoint.send(frame("well met"), on: there)
        talk(dialler, listener)
        #expect(listener.frames == [frame("hello")])
        // The first frame of the responder is the Keepalive that confirms the keys.
        #expect(dialler.frames.dropFirst() == [frame("well met")])
    }

    @Test("row 33: an initiation shorter than 1200 bytes is not answered")
    func short() throws {
        let dialler = try Side(port: 1, isListening: false)
        let listener = try Side(port: 2, isListening: true)
        _ = try dialler.endpoint.dial(listener.address, pinned: nil, deadline: start + .seconds(5), now: start)
        let initiation = try #require(dialler.takeSent().first)
        #expect(initiation.readableBytes == 1200)
        var short = initiation
        let cut = short.readSlice(length: 1199)
        listener.hear(try #require(cut), from: dialler.address)
        #expect(listener.takeSent().isEmpty)
        listener.hear(initiation, from: dialler.address)
        let answers = listener.takeSent()
        #expect(answers.count == 1)
        #expect(answers.allSatisfy { $0.readableBytes <= 1200 })
    }

    @Test("each lost datagram of the handshake is sent again", arguments: 0..<4)
    func losses(which: Int) throws {
        let dialler = try Side(port: 1, isListening: false)
        let listener = try Side(port: 2, isListening: true)
        let id = try dialler.endpoint.dial(listener.address, pinned: nil, deadline: start + .seconds(5), now: start)
        var carried = 0
        var now = start
        while dialler.opened.isEmpty, now < start + .seconds(4) {
            var isQuiet = true
            for (from, to) in [(dialler, listener), (listener, dialler)] {
                for bytes in from.takeSent() {
                    isQuiet = false
                    defer { carried += 1 }
                    if carried != which { to.hear(bytes, from: from.address, at: now) }
                }
            }
            if isQuiet {
                now = now + .milliseconds(50)
                dialler.endpoint.advance(to: now)
                listener.endpoint.advance(to: now)
            }
        }
        #expect(dialler.opened == [id])
        #expect(listener.opened.count == 1)
        #expect(now >= start + .milliseconds(250))
    }

    @Test("row 33: a datagram that comes twice, or long after, is taken once")
    func replay() throws {
        let (dialler, listener, _, here) = try pair()
        try dialler.endpoint.send(frame("first"), on: here)
        let first = try #require(dialler.takeSent().first)
        for _ in 0..<3 { listener.hear(first, from: dialler.address) }
        #expect(listener.frames == [frame("first")])
        try dialler.endpoint.send(frame("old"), on: here)
        let old = try #require(dialler.takeSent().first)
        for _ in 0..<2048 { try dialler.endpoint.send(frame("x"), on: here) }
        for bytes in dialler.takeSent().reversed() { listener.hear(bytes, from: dialler.address) }
        #expect(listener.frames.count == 2049)
        listener.hear(old, from: dialler.address)
        #expect(listener.frames.count == 2049, "it is behind the window")
    }

    @Test("row 7: no altered bit of any datagram gets through")
    func altered() throws {
        let (dialler, listener, _, here) = try pair()
        try dialler.endpoint.send(frame("hello"), on: here)
        let genuine = try #require(dialler.takeSent().first)
        for index in 0..<genuine.readableBytes * 8 {
            var altered = genuine
            let at = altered.readerIndex + index / 8
            altered.setInteger((altered.getInteger(at: at, as: UInt8.self) ?? 0) ^ (1 << (index % 8)), at: at)
            listener.hear(altered, from: dialler.address)
        }
        #expect(listener.frames.isEmpty)
        listener.hear(genuine, from: dialler.address)
        #expect(listener.frames == [frame("hello")])
    }

    @Test("forged answers do not end a handshake")
    func forged() throws {
        let dialler = try Side(port: 1, isListening: false)
        let listener = try Side(port: 2, isListening: true)
        let id = try dialler.endpoint.dial(listener.address, pinned: nil, deadline: start + .seconds(5), now: start)
        listener.hear(try #require(dialler.takeSent().first), from: dialler.address)
        let response = try #require(listener.takeSent().first)
        var forged = response
        forged.setInteger(UInt8(0xff), at: forged.readerIndex + 60)
        dialler.hear(forged, from: listener.address)
        #expect(dialler.failures.isEmpty)
        dialler.hear(response, from: listener.address)
        let final = try #require(dialler.takeSent().first)
        var other = final
        other.setInteger(UInt8(0xff), at: other.readerIndex + 40)
        listener.hear(other, from: dialler.address)
        listener.hear(final, from: dialler.address)
        talk(dialler, listener)
        #expect(dialler.opened == [id])
    }

    @Test("a session follows its peer to another address, and a repeated datagram does not move it")
    func roaming() throws {
        let (dialler, listener, _, here) = try pair()
        let elsewhere = Address(scheme: .udp, host: "192.0.2.7", port: 99)
        try dialler.endpoint.send(frame("one"), on: here)
        let one = try #require(dialler.takeSent().first)
        try dialler.endpoint.send(frame("two"), on: here)
        let two = try #require(dialler.takeSent().first)
        listener.hear(two, from: elsewhere)
        #expect(listener.moves == [elsewhere])
        listener.hear(one, from: dialler.address)
        listener.hear(two, from: dialler.address)
        #expect(listener.moves == [elsewhere])
        #expect(listener.frames.count == 2)
    }

    @Test("row 33: a flood of initiations is answered with tokens, keeps no state, and an honest dialler gets in")
    func flood() throws {
        let listener = try Side(port: 2, isListening: true)
        for port in 1000..<1200 as Range<UInt16> {
            let stranger = try Side(port: port, isListening: false)
            _ = try stranger.endpoint.dial(listener.address, pinned: nil, deadline: start + .seconds(5), now: start)
            listener.hear(try #require(stranger.takeSent().first), from: stranger.address)
            // Nobody is sent more than was sent.
            #expect(listener.takeSent().allSatisfy { $0.readableBytes <= 1200 })
        }
        #expect(listener.endpoint.counts.halfOpen <= 16)
        let honest = try Side(port: 1, isListening: false)
        let id = try honest.endpoint.dial(listener.address, pinned: nil, deadline: start + .seconds(5), now: start)
        talk(honest, listener)
        #expect(honest.opened == [id])
        #expect(listener.endpoint.counts.halfOpen <= 17)
    }

    @Test("row 33: a token serves only the address that it was made for")
    func stolenToken() throws {
        let listener = try Side(port: 2, isListening: true)
        for port in 1000..<1016 as Range<UInt16> {
            let stranger = try Side(port: port, isListening: false)
            _ = try stranger.endpoint.dial(listener.address, pinned: nil, deadline: start + .seconds(5), now: start)
            listener.hear(try #require(stranger.takeSent().first), from: stranger.address)
        }
        _ = listener.takeSent()
        let dialler = try Side(port: 1, isListening: false)
        _ = try dialler.endpoint.dial(listener.address, pinned: nil, deadline: start + .seconds(5), now: start)
        listener.hear(try #require(dialler.takeSent().first), from: dialler.address)
        dialler.hear(try #require(listener.takeSent().first), from: listener.address)
        let withToken = try #require(dialler.takeSent().first)
        let spoofed = Address(scheme: .udp, host: "192.0.2.7", port: 1)
        listener.hear(withToken, from: spoofed)
        guard case .retry? = Datagram(try #require(listener.takeSent().first)) else {
            Issue.record("expected another token")
            return
        }
        listener.hear(withToken, from: dialler.address, at: start + .seconds(11))
        guard case .retry? = Datagram(try #require(listener.takeSent().first)) else {
            Issue.record("expected another token for a stale one")
            return
        }
        listener.hear(withToken, from: dialler.address)
        guard case .response? = Datagram(try #require(listener.takeSent().first)) else {
            Issue.record("expected a response to the right one")
            return
        }
    }

    @Test("another network is named on the dialling side")
    func networks() throws {
        let dialler = try Side(port: 1, isListening: false, network: 7)
        let listener = try Side(port: 2, isListening: true)
        _ = try dialler.endpoint.dial(listener.address, pinned: nil, deadline: start + .seconds(5), now: start)
        talk(dialler, listener)
        #expect(dialler.failures == [.networkMismatch(ours: 7, theirs: 1)])
    }

    @Test("a refused peer is told why in a sealed frame")
    func refused() throws {
        let dialler = try Side(port: 1, isListening: false)
        let listener = try Side(port: 2, isListening: true, minimum: 200)
        _ = try dialler.endpoint.dial(listener.address, pinned: nil, deadline: start + .seconds(5), now: start)
        talk(dialler, listener)
        #expect(listener.refusals.count == 1)
        #expect(listener.opened.isEmpty)
        var goodbye = FrameDecoder(bodyLimit: 1200)
        goodbye.feed(try #require(dialler.frames.first))
        let frame = try #require(try goodbye.next())
        #expect(frame.opcode == .disconnect)
        #expect(try Disconnect(fields: frame.body).reason == .puzzleNotSolved)
    }

    @Test("row 4: random bytes change nothing and are not answered")
    func noise() throws {
        let listener = try Side(port: 2, isListening: true)
        var random = SeededRandom(5)
        for _ in 0..<5000 {
            var bytes = random.bytes(random.int(0...1400))
            if !bytes.isEmpty { bytes[0] = UInt8(random.int(0...6)) }
            listener.hear(ByteBuffer(bytes: bytes), from: Address(scheme: .udp, host: "127.0.0.1", port: 3))
        }
        #expect(listener.opened.isEmpty)
        #expect(listener.takeSent().isEmpty)
    }

    @Test("the replay window agrees with a set that forgets nothing")
    func window() {
        var window = ReplayWindow()
        var seen: Set<UInt64> = []
        var random = SeededRandom(9)
        var top: UInt64 = 0
        for _ in 0..<20_000 {
            let step = random.int(-3000...40)
            let counter = step < 0 ? top - min(top, UInt64(-step)) : top + UInt64(step)
            let expected = !seen.contains(counter) && (seen.isEmpty || counter > top || top - counter < 2048)
            #expect(window.accepts(counter) == expected)
            guard expected else { continue }
            window.note(counter)
            seen.insert(counter)
            top = max(top, counter)
        }
    }
}
