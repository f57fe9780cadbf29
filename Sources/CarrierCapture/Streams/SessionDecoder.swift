internal import CarrierCrypto
internal import CarrierWire
internal import NIOCore

/// Reads the two directions of one connection: prefaces, handshake messages, records and, with the session's keys,
/// the frames in them (carrier-wire(7) §4).
final class SessionDecoder {
    /// Finds the keys of the session that an ephemeral key began.
    typealias KeySource = (Bytes32) throws -> SessionKeys?

    private let emitter: RecordEmitter
    private let keySource: KeySource?
    private var sides: [SessionSide]
    /// The first 32 bytes of handshake message 1.
    private var ephemeral: Bytes32?
    private var keys: SessionKeys?

    /// - Parameter places: how the two directions are described; one for a recording of a single direction.
    init(_ places: [RecordEmitter.Place], bodyLimit: Int, emitter: RecordEmitter, keys keySource: KeySource?) {
        self.emitter = emitter
        self.keySource = keySource
        sides = places.map { SessionSide($0, bodyLimit: bodyLimit, emitter: emitter) }
    }

    /// Bytes that wait for the rest of what they belong to.
    var heldBytes: Int { sides.reduce(0) { $0 + $1.heldBytes } }

    /// Notes who opened the connection, as its SYN tells.
    func noteInitiator(_ side: Int) {
        for index in sides.indices where sides[index].isInitiator == nil { sides[index].isInitiator = index == side }
    }

    /// Takes the next bytes of a direction: in a capture, those of one segment.
    func receive(_ bytes: ByteBuffer, side index: Int) throws {
        sides[index].take(bytes)
        while let step = try sides[index].next() {
            switch step {
            case .handshake(let message): try handshake(message, side: index)
            case .record(let record): try open(record, side: index)
            case .unsynchronised(let piece): try resynchronise(piece, side: index)
            }
        }
    }

    /// Notes that bytes of a direction are missing.
    func lose(_ count: UInt64, side index: Int) throws { try sides[index].lose(count) }

    /// No more bytes come.
    func finish() throws {
        for index in sides.indices { try sides[index].finish() }
    }

    /// A handshake message says who is who: message 1 has an empty payload and so exactly 32 bytes, message 2 more.
    private func handshake(_ message: SessionSide.Piece, side index: Int) throws {
        let body = message.body
        let key = Bytes32(body.readableBytesView.prefix(32))
        let isFirst = sides[index].handshakeMessages == 0
        if isFirst {
            let isInitiator = sides[index].isInitiator ?? (body.readableBytes == 32)
            noteInitiator(isInitiator ? index : 1 - index)
            sides[index].isInitiator = isInitiator
        }
        let isInitiator = sides[index].isInitiator ?? true
        let number = isInitiator ? (isFirst ? 1 : 3) : 2
        // e, es and s with their sizes: what a message of each kind has at least.
        let least = number == 1 ? 32 : number == 2 ? 96 : 64
        var fields = [Field("bytes", .count(body.readableBytes))]
        if number != 3, let key { fields.append(Field("ephemeral", .hex(key.array))) }
        if number == 1 { ephemeral = key }
        let problem =
            body.readableBytes < least ? "expected at least \(least) bytes, got \(body.readableBytes)" : nil
        try emitter.unit(
            .handshake, "handshake-\(number)", fields, problem: problem, offset: message.offset, bytes: message.whole,
            sides[index].place)
        sides[index].handshakeDone(isLast: number != 1)
    }

    /// Whether the session's keys are at hand; a growing key log may hold them later.
    private func findKeys() throws -> Bool {
        guard keys == nil else { return true }
        guard let ephemeral, let found = try keySource?(ephemeral) else { return false }
        keys = found
        return true
    }

    private func prepare(_ index: Int) throws {
        guard sides[index].decryptor == nil, try findKeys(), let keys else { return }
        let isInitiator = sides[index].isInitiator ?? true
        sides[index].decryptor = try RecordDecryptor(
            key: isInitiator ? keys.initiatorToResponder : keys.responderToInitiator)
    }

    private func open(_ record: SessionSide.Piece, side index: Int) throws {
        try prepare(index)
        try sides[index].open(record)
    }

    private func resynchronise(_ piece: ByteBuffer, side index: Int) throws {
        try prepare(index)
        try sides[index].resynchronise(piece)
    }
}
