internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// The UDP sessions of a capture (carrier-wire(7) §6): the ids in a datagram say which session it belongs to, wherever
/// its two ends are.
///
/// Bounded against captures made to hurt: so many sessions; then those that were silent longest go.
final class DatagramTable {
    /// The most sessions that are kept.
    static let sessionLimit = 4096

    /// What went one way.
    private struct Side {
        var place: RecordEmitter.Place
        /// Bytes of all datagrams so far: where the next one is said to begin.
        var passed: UInt64 = 0
        var scanner: FrameScanner
        var decryptor: RecordDecryptor?
    }

    private final class Session {
        let initiator: UInt32
        let ephemeral: Bytes32
        var responder: UInt32?
        /// The initiator's side first.
        var sides: [Side]
        var keys: SessionKeys?
        var lastSeen = 0

        init(_ initiator: UInt32, _ ephemeral: Bytes32, _ sides: [Side]) {
            self.initiator = initiator
            self.ephemeral = ephemeral
            self.sides = sides
        }
    }

    private let emitter: RecordEmitter
    private let bodyLimit: Int
    private let keySource: SessionDecoder.KeySource?
    /// By the id that each end has chosen, and so by what datagrams to it say.
    private var byInitiator: [UInt32: Session] = [:]
    private var byResponder: [UInt32: Session] = [:]
    private var clock = 0

    init(bodyLimit: Int, emitter: RecordEmitter, keys: SessionDecoder.KeySource?) {
        self.bodyLimit = bodyLimit
        self.emitter = emitter
        keySource = keys
    }

    /// Shows a datagram.
    ///
    /// - Parameter number: gives the number of a connection that is new.
    /// - Returns: whether it is one of carrier's.
    func receive(_ datagram: UDPDatagram, number: () -> Int) throws -> Bool {
        clock += 1
        switch Self.read(datagram) {
        case .initiation(let sender, let preface, let token, let message):
            guard let ephemeral = Bytes32(message.readableBytesView) else { return false }
            let session = session(sender, ephemeral, datagram, number)
            var fields = [
                Field("sender", .count(sender)), Field("network", .count(preface.network)),
                Field("ephemeral", .hex(ephemeral.array)),
            ]
            if token.readableBytes > 0 { fields.append(Field("token_bytes", .count(token.readableBytes))) }
            try show("handshake-1", fields, preface, datagram, session, 0)
            try missed(datagram.missing, datagram, session, 0)
        case .retry(let receiver, let token):
            guard let session = byInitiator[receiver] else { return false }
            let fields = [Field("receiver", .count(receiver)), Field("token_bytes", .count(token.readableBytes))]
            try show("retry", fields, nil, datagram, session, 1)
        case .response(let sender, let receiver, let preface, let message):
            guard let session = byInitiator[receiver] else { return false }
            session.responder = sender
            byResponder[sender] = session
            let fields = [
                Field("sender", .count(sender)), Field("receiver", .count(receiver)),
                Field("network", .count(preface.network)), Field("bytes", .count(message.readableBytes)),
            ]
            try show("handshake-2", fields, preface, datagram, session, 1)
        case .final(let sender, let receiver, let message):
            guard let session = byResponder[receiver], session.initiator == sender else { return false }
            let fields = [
                Field("sender", .count(sender)), Field("receiver", .count(receiver)),
                Field("bytes", .count(message.readableBytes)),
            ]
            try show("handshake-3", fields, nil, datagram, session, 0)
        case .data(let receiver, let counter, let sealed):
            if let session = byResponder[receiver] {
                try open(sealed, counter, datagram, session, 0)
            } else if let session = byInitiator[receiver] {
                try open(sealed, counter, datagram, session, 1)
            } else {
                return false
            }
        case nil: return try datagram.missing > 0 && receiveCut(datagram)
        }
        return true
    }

    /// A datagram that the capture holds whole, or but for the padding at its end.
    private static func read(_ datagram: UDPDatagram) -> Datagram? {
        guard datagram.missing > 0 else { return Datagram(datagram.payload) }
        var padded = datagram.payload
        padded.writeRepeatingByte(0, count: datagram.missing)
        guard case .initiation(_, _, let token, let message)? = Datagram(padded),
            // Kind, sender and the token's length stand beside what has a name.
            9 + Preface.size + token.readableBytes + message.readableBytes <= datagram.payload.readableBytes
        else { return nil }
        return Datagram(padded)
    }

    /// Shows that a datagram is not whole in the capture: what is left of it says whose it is.
    private func receiveCut(_ datagram: UDPDatagram) throws -> Bool {
        var head = datagram.payload
        guard let kind: UInt8 = head.readInteger(), let first: UInt32 = head.readInteger(endianness: .little) else {
            return false
        }
        let session: Session?
        let index: Int
        switch kind {
        case 2: (session, index) = (byInitiator[first], 1)
        case 3:
            (session, index) = (head.readInteger(endianness: .little).flatMap { byInitiator[$0] }, 1)
            session?.responder = first
            if let session { byResponder[first] = session }
        case 4: (session, index) = (head.readInteger(endianness: .little).flatMap { byResponder[$0] }, 0)
        case 5: (session, index) = byResponder[first].map { ($0, 0) } ?? (byInitiator[first], 1)
        default: return false
        }
        guard let session else { return false }
        try missed(datagram.payload.readableBytes + datagram.missing, datagram, session, index)
        return true
    }

    /// Shows that bytes of a datagram are missing.
    private func missed(_ count: Int, _ datagram: UDPDatagram, _ session: Session, _ index: Int) throws {
        session.lastSeen = clock
        let offset = session.sides[index].passed
        session.sides[index].passed += UInt64(count)
        try emitter.gap(
            datagram.isMalformed
                ? "malformed datagram: its length says more than its packet holds"
                : "datagram cut short: the capture does not hold it whole",
            offset, UInt64(count), nil,
            session.sides[index].place)
    }

    /// The session that an initiation belongs to: a repeated one to the same.
    private func session(
        _ initiator: UInt32, _ ephemeral: Bytes32, _ datagram: UDPDatagram, _ number: () -> Int
    ) -> Session {
        if let known = byInitiator[initiator] {
            if known.ephemeral == ephemeral { return known }
            remove(known)
        }
        if byInitiator.count >= Self.sessionLimit {
            let oldest = byInitiator.values.sorted { $0.lastSeen < $1.lastSeen }.prefix(Self.sessionLimit / 4)
            for session in oldest { remove(session) }
        }
        let count = number()
        let sides = [(datagram.source, datagram.destination), (datagram.destination, datagram.source)].enumerated().map
        {
            index, ends in
            Side(
                place: RecordEmitter.Place(
                    isDerived: true,
                    stream: StreamInfo(
                        number: count, transport: .udp, source: ends.0, destination: ends.1, isFromInitiator: index == 0
                    )),
                scanner: FrameScanner(bodyLimit: bodyLimit))
        }
        let made = Session(initiator, ephemeral, sides)
        byInitiator[initiator] = made
        return made
    }

    private func remove(_ session: Session) {
        byInitiator[session.initiator] = nil
        if let responder = session.responder, byResponder[responder] === session { byResponder[responder] = nil }
    }

    private func show(
        _ kind: String, _ fields: [Field], _ preface: Preface?, _ datagram: UDPDatagram, _ session: Session,
        _ index: Int
    ) throws {
        let isKnown = preface.map { $0.version == Preface.currentVersion } ?? true
        try emit(
            .handshake, kind, fields, problem: isKnown ? nil : "expected version \(Preface.currentVersion)", datagram,
            session, index)
    }

    private func emit(
        _ layer: CaptureRecord.Layer, _ kind: String, _ fields: [Field], problem: String?, failsCheck: Bool = false,
        _ datagram: UDPDatagram, _ session: Session, _ index: Int
    ) throws {
        session.lastSeen = clock
        let offset = session.sides[index].passed
        session.sides[index].passed += UInt64(datagram.payload.readableBytes)
        try emitter.unit(
            layer, kind, fields, problem: problem, failsCheck: failsCheck, offset: offset, bytes: datagram.payload,
            session.sides[index].place)
    }

    /// Shows a sealed datagram and, where the key is known, the frame in it.
    private func open(
        _ sealed: ByteBuffer, _ counter: UInt64, _ datagram: UDPDatagram, _ session: Session, _ index: Int
    ) throws {
        if session.keys == nil { session.keys = try keySource?(session.ephemeral) }
        if session.sides[index].decryptor == nil, let keys = session.keys {
            session.sides[index].decryptor = try RecordDecryptor(
                key: index == 0 ? keys.initiatorToResponder : keys.responderToInitiator, rekeys: false)
        }
        var fields = [Field("bytes", .count(sealed.readableBytes)), Field("record", .count(counter))]
        var plaintext: ByteBuffer?
        let isKeyed = session.sides[index].decryptor != nil
        if isKeyed {
            plaintext = try? session.sides[index].decryptor?.open(sealed, number: counter)
            fields.append(Field("opened", .bool(plaintext != nil)))
        }
        let isForged = isKeyed && plaintext == nil
        try emit(
            .record, "record", fields, problem: isForged ? "authentication tag does not fit the logged key" : nil,
            failsCheck: isForged, datagram, session, index)
        guard let plaintext else { return }
        session.sides[index].scanner.feed(plaintext)
        session.sides[index].scanner.finish()
        while let item = session.sides[index].scanner.next() { try emitter.item(item, session.sides[index].place) }
        session.sides[index].scanner.resume()
    }
}
