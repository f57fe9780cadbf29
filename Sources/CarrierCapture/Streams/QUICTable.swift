internal import CarrierWire
internal import NIOCore

/// The QUIC connections of a capture: TLS seals them, so that all there is to say is how much went which way.
final class QUICTable {
    /// The most directions that are counted at once.
    static let flowLimit = 4096

    private struct Flow: Hashable {
        let source: Endpoint
        let destination: Endpoint
    }

    private struct Count {
        let number: Int
        let isFromInitiator: Bool
        var packets = 0
        var bytes: UInt64 = 0
    }

    private let emitter: RecordEmitter
    private var flows: [Flow: Count] = [:]

    init(emitter: RecordEmitter) { self.emitter = emitter }

    /// Counts a datagram, where it begins a connection or belongs to one.
    ///
    /// - Parameter number: gives the number of a connection that is new.
    func receive(_ datagram: UDPDatagram, number: () -> Int) throws {
        let flow = Flow(source: datagram.source, destination: datagram.destination)
        let back = Flow(source: datagram.destination, destination: datagram.source)
        if flows[flow] == nil {
            guard Self.begins(datagram.payload) else { return }
            if flows.count >= Self.flowLimit * 2 { try finish() }
            let count = number()
            flows[flow] = Count(number: count, isFromInitiator: true)
            flows[back] = Count(number: count, isFromInitiator: false)
        }
        flows[flow]?.packets += 1
        let missing = datagram.isMalformed ? 0 : datagram.missing
        flows[flow]?.bytes += UInt64(datagram.payload.readableBytes + missing)
    }

    /// Whether a packet of QUIC version 1 with a long header begins the datagram (RFC 9000 §17.2).
    private static func begins(_ payload: ByteBuffer) -> Bool {
        guard
            let first = payload.getInteger(at: payload.readerIndex, as: UInt8.self),
            let version = payload.getInteger(at: payload.readerIndex + 1, as: UInt32.self)
        else { return false }
        return first >> 6 == 3 && version == 1
    }

    /// Shows what was counted.
    func finish() throws {
        let ordered = flows.sorted {
            ($0.value.number, $1.value.isFromInitiator ? 1 : 0) < ($1.value.number, $0.value.isFromInitiator ? 1 : 0)
        }
        flows = [:]
        for (flow, count) in ordered where count.packets > 0 {
            let place = RecordEmitter.Place(
                isDerived: true,
                stream: StreamInfo(
                    number: count.number, transport: .quic, source: flow.source, destination: flow.destination,
                    isFromInitiator: count.isFromInitiator))
            try emitter.gap(
                "QUIC: \(count.packets) datagrams that TLS seals; --record shows their frames", 0, count.bytes, nil,
                place)
        }
    }
}
