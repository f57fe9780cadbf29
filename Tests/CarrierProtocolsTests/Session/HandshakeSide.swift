import CarrierCrypto
import CarrierProtocols
import CarrierWire
import NIOCore

/// One side of a handshake: what it has said and not been asked for, and how it ended.
final class HandshakeSide {
    private var handshake: StreamHandshake
    /// Bytes for the other side.
    var output = ByteBuffer()
    private(set) var session: Session?
    private(set) var error: HandshakeError?
    /// What came behind the handshake.
    private(set) var rest = ByteBuffer()

    init(responder terms: HandshakeTerms) throws {
        handshake = StreamHandshake(
            responderWith: terms, record: try Self.record(terms), observedAddress: "tcp://127.0.0.1:1")
    }

    init(initiator terms: HandshakeTerms, pinned: PeerID? = nil) throws {
        var first = ByteBuffer()
        handshake = try StreamHandshake(
            initiatorWith: terms, record: try Self.record(terms), observedAddress: "tcp://127.0.0.1:2", pinned: pinned,
            send: &first)
        output = first
    }

    private static func record(_ terms: HandshakeTerms) throws -> PeerRecord {
        try PeerRecord(signedBy: terms.identity, sequence: 1, addresses: [])
    }

    var isOver: Bool { error != nil || isEstablished }
    var isEstablished: Bool {
        switch session {
        case .some: true
        case .none: false
        }
    }

    /// The peer, once it is proved.
    var peer: PeerID? {
        switch session {
        case .some(let session): session.hello.record.peer
        case .none: nil
        }
    }

    /// Takes bytes of the other side, in pieces.
    func take(_ bytes: ByteBuffer, piece: Int = .max) {
        var bytes = bytes
        while let slice = bytes.readSlice(length: min(piece, bytes.readableBytes)), slice.readableBytes > 0 {
            if isOver {
                rest.writeImmutableBuffer(slice)
                continue
            }
            switch handshake.receive(slice) {
            case .more(let answer): put(answer)
            case .established(let answer, let session):
                put(answer)
                self.session = consume session
                rest = handshake.takeRest()
            case .failed(let error, let farewell):
                put(farewell)
                self.error = error
            }
        }
    }

    private func put(_ bytes: ByteBuffer?) {
        if let bytes { output.writeImmutableBuffer(bytes) }
    }

    /// Everything said so far, once.
    func say() -> ByteBuffer {
        defer { output = ByteBuffer() }
        return output
    }

    /// Seals bytes with the session's key.
    func seal(_ text: String) throws -> ByteBuffer {
        var output = ByteBuffer()
        var outbox = Outbox()
        outbox.append(ByteBuffer(string: text))
        var sealed = ByteBuffer()
        try session?.seal(&outbox, in: &sealed) { output.writeImmutableBuffer($0) }
        return output
    }

    /// Opens records.
    func openRaw(_ input: inout ByteBuffer, into plaintext: inout ByteBuffer) throws {
        try session?.open(&input, into: &plaintext)
    }

    /// Opens what came behind the handshake, and `more`.
    func open(_ more: ByteBuffer = ByteBuffer()) throws -> String {
        var (input, plaintext) = (rest, ByteBuffer())
        input.writeImmutableBuffer(more)
        rest = ByteBuffer()
        try session?.open(&input, into: &plaintext)
        return String(buffer: plaintext)
    }
}

/// Nodes for handshakes.
enum Terms {
    /// A node with an identity that is worth `bits` of both puzzles at least.
    static func make(
        bits: Int = 8, network: UInt32 = 1, minimum: Int = 8, identity: Identity? = nil
    ) async throws -> HandshakeTerms {
        let difficulty = Puzzle.Difficulty(staticBits: bits, dynamicBits: bits)
        let own = if let identity { identity } else { try await IdentitySearch(difficulty, threads: 1).run() }
        return try HandshakeTerms(
            identity: own, staticKey: .generate(), agent: "test/1", network: network,
            minimum: Puzzle.Difficulty(staticBits: minimum, dynamicBits: minimum))
    }
}
