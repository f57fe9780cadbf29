internal import CarrierWire
internal import NIOCore

/// The connections of a capture: each segment goes to the direction of TCP that it belongs to, each datagram to its
/// session.
///
/// Bounded against captures made to hurt: so many connections, so many bytes that wait; beyond that the connections
/// that were silent longest are closed as the end of the capture would close them.
final class ConnectionTable {
    /// The most connections that are kept open.
    static let connectionLimit = 4096
    /// The most bytes that may wait in all connections.
    static let heldLimit = 256 << 20

    private struct Flow: Hashable {
        let source: Endpoint
        let destination: Endpoint
    }

    private final class Connection {
        let flows: [Flow]
        let session: SessionDecoder
        var reassemblers = [StreamReassembler(), StreamReassembler()]
        /// Stream bytes passed so far in each direction, lost ones too.
        var passed: [UInt64] = [0, 0]
        var lastSeen = 0
        var held = 0
        /// Both ends have said goodbye; late retransmissions still find the connection.
        var isClosed = false

        init(flows: [Flow], session: SessionDecoder) {
            self.flows = flows
            self.session = session
        }

        var heldBytes: Int { session.heldBytes + reassemblers.reduce(0) { $0 + $1.waitingBytes } }
    }

    private let emitter: RecordEmitter
    private let bodyLimit: Int
    private let keySource: SessionDecoder.KeySource?
    private let datagrams: DatagramTable
    private let quic: QUICTable
    private var connections: [Flow: (connection: Connection, side: Int)] = [:]
    private var count = 0
    private var clock = 0
    private var held = 0

    init(bodyLimit: Int, emitter: RecordEmitter, keys: SessionDecoder.KeySource?) {
        self.bodyLimit = bodyLimit
        self.emitter = emitter
        keySource = keys
        datagrams = DatagramTable(bodyLimit: bodyLimit, emitter: emitter, keys: keys)
        quic = QUICTable(emitter: emitter)
    }

    /// Takes what a packet carries.
    func receive(_ payload: IPPayload) throws {
        switch payload {
        case .tcp(let segment): try receive(segment)
        case .udp(let datagram):
            if try !datagrams.receive(datagram, number: nextNumber) { try quic.receive(datagram, number: nextNumber) }
        }
    }

    private func nextNumber() -> Int {
        count += 1
        return count
    }

    private func receive(_ segment: TCPSegment) throws {
        let flow = Flow(source: segment.source, destination: segment.destination)
        guard let (connection, side) = try connection(of: flow, segment) else { return }
        clock += 1
        connection.lastSeen = clock
        if segment.flags.contains(.syn) {
            connection.reassemblers[side].synchronise(segment.sequence)
            if !segment.flags.contains(.ack) { connection.session.noteInitiator(side) }
        }
        let first = segment.flags.contains(.syn) ? segment.sequence &+ 1 : segment.sequence
        var events: [StreamReassembler.Event] = []
        connection.reassemblers[side].receive(
            first, segment.payload, isLast: segment.flags.contains(.fin)
        ) { events.append($0) }
        try pass(events, to: connection, side)
        if segment.flags.contains(.ack) {
            events = []
            connection.reassemblers[1 - side].acknowledge(segment.acknowledgement) { events.append($0) }
            try pass(events, to: connection, 1 - side)
        }
        let isOver = connection.reassemblers.allSatisfy(\.isFinished) || segment.flags.contains(.rst)
        if isOver && !connection.isClosed { try close(connection) }
        let now = connection.heldBytes
        held += now - connection.held
        connection.held = now
        if held > Self.heldLimit { try evict() }
    }

    /// Closes every connection: the capture has ended.
    func finish() throws {
        var seen: Set<ObjectIdentifier> = []
        let all = connections.values.map(\.connection).sorted { $0.lastSeen < $1.lastSeen }
        for connection in all where seen.insert(ObjectIdentifier(connection)).inserted { try close(connection) }
        connections = [:]
        try quic.finish()
    }

    private func connection(of flow: Flow, _ segment: TCPSegment) throws -> (Connection, Int)? {
        if let found = connections[flow] {
            let isNew =
                segment.flags.contains(.syn)
                && found.connection.reassemblers[found.side].differs(
                    fromStart: segment.sequence, delivered: found.connection.passed[found.side])
            if !isNew { return (found.connection, found.side) }
            try close(found.connection)
            remove(found.connection)
        }
        // Bare acknowledgements say nothing of a connection that was not seen before.
        guard segment.flags.contains(.syn) || segment.payload.readableBytes > 0 else { return nil }
        if connections.count >= Self.connectionLimit * 2 { try evict() }
        let number = nextNumber()
        let back = Flow(source: flow.destination, destination: flow.source)
        let places = [flow, back].map { flow in
            RecordEmitter.Place(
                isDerived: true,
                stream: StreamInfo(
                    number: number, transport: .tcp, source: flow.source, destination: flow.destination))
        }
        let made = Connection(
            flows: [flow, back],
            session: SessionDecoder(places, bodyLimit: bodyLimit, emitter: emitter, keys: keySource))
        connections[back] = (made, 1)
        connections[flow] = (made, 0)
        return (made, 0)
    }

    private func pass(_ events: [StreamReassembler.Event], to connection: Connection, _ side: Int) throws {
        guard !connection.isClosed else { return }
        for event in events {
            switch event {
            case .data(let bytes):
                connection.passed[side] += UInt64(bytes.readableBytes)
                try connection.session.receive(bytes, side: side)
            case .lost(let count):
                connection.passed[side] += count
                try connection.session.lose(count, side: side)
            }
        }
    }

    private func close(_ connection: Connection) throws {
        guard !connection.isClosed else { return }
        for side in 0..<2 {
            var events: [StreamReassembler.Event] = []
            connection.reassemblers[side].flush { events.append($0) }
            try pass(events, to: connection, side)
        }
        try connection.session.finish()
        connection.isClosed = true
    }

    private func remove(_ connection: Connection) {
        held -= connection.held
        connection.held = 0
        for flow in connection.flows { connections[flow] = nil }
    }

    /// Lets go of the quarter of all connections that was silent longest.
    private func evict() throws {
        var seen: Set<ObjectIdentifier> = []
        let all = connections.values.map(\.connection).filter { seen.insert(ObjectIdentifier($0)).inserted }
        let oldest = all.sorted { $0.lastSeen < $1.lastSeen }.prefix(max(1, all.count / 4))
        for connection in oldest {
            try close(connection)
            remove(connection)
        }
    }
}
