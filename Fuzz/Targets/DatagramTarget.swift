internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting
internal import CarrierWire
internal import NIOCore

/// Sessions over datagrams: two ends and a network that loses, repeats, reorders, alters and makes up. A frame that comes
/// out went in, and comes out once.
enum DatagramTarget {
    @Sendable static func run(_ input: ByteBuffer) throws {
        var choices = Choices(input)
        if choices.byte() % 2 == 0 { return try parse(choices.rest()) }
        var network = try Network()
        while !choices.isEmpty { try network.step(&choices) }
    }

    private static func parse(_ bytes: ByteBuffer) throws {
        guard let datagram = Datagram(bytes) else { return }
        try expect(Datagram(datagram.encoded) == datagram, "a datagram changes")
    }

    private struct Network {
        /// The dialler and the listener.
        var ends: [DatagramEndpoint] = []
        let addresses: [Address]
        var limits = DatagramEndpoint.Limits()
        /// On their way, and to which end.
        var flying: [(bytes: ByteBuffer, to: Int)] = []
        var sessions: [[UInt32]] = [[], []]
        var now = Instant.seconds(1)
        var sent: Set<[UInt8]> = []
        var received: Set<[UInt8]> = []

        init() throws {
            limits.halfOpen = 3
            limits.unproved = 1
            limits.sessions = 3
            addresses = [try Address("udp://192.0.2.1:1"), try Address("udp://192.0.2.2:2")]
            for (index, terms) in try FuzzCast.pair.get().enumerated() {
                ends.append(
                    try DatagramEndpoint(
                        terms, record: FuzzCast.members[index].record, isListening: index == 1, limits: limits,
                        random: SeededRandom(UInt64(index + 1))))
            }
        }

        mutating func step(_ choices: inout Choices) throws {
            let end = choices.number(below: 2)
            switch choices.number(below: 8) {
            case 0:
                if ends[0].counts.sessions + flying.count < 40 {
                    _ = try ends[0].dial(
                        addresses[1], pinned: FuzzCast.members[1].peer, deadline: now + .seconds(5), now: now)
                }
            case 1, 2: if !flying.isEmpty { deliver(flying.removeFirst()) }
            case 3: if !flying.isEmpty { deliver(flying.remove(at: choices.number(below: flying.count))) }
            case 4: if !flying.isEmpty { deliver(flying[choices.number(below: flying.count)]) }
            case 5:
                guard !flying.isEmpty else { return }
                var (bytes, to) = flying[choices.number(below: flying.count)]
                let place = choices.number(below: bytes.readableBytes)
                bytes.setInteger(choices.byte(), at: place)
                // Altered, cut, or from elsewhere.
                deliver((ByteBuffer(bytes: bytes.readableBytesView.prefix(choices.byte() == 0 ? place : .max)), to))
            case 6:
                now = now + .milliseconds(choices.number(below: 4000))
                for end in ends { end.advance(to: now) }
            default:
                guard let session = sessions[end].last, sent.count < 50 else { return }
                let body = [UInt8(sent.count), choices.byte()]
                sent.insert(body)
                var frame = ByteBuffer()
                Frame(Opcode(1000), body: ByteBuffer(bytes: body)).encode(into: &frame)
                try ends[end].send(frame, on: session)
            }
            for end in 0..<2 { try takeEvents(of: end) }
            try expect(ends[1].counts.halfOpen <= limits.halfOpen, "too many half-open handshakes")
            try expect(ends[1].counts.sessions <= limits.sessions, "too many sessions")
        }

        private func deliver(_ datagram: (bytes: ByteBuffer, to: Int)) {
            ends[datagram.to].receive(datagram.bytes, from: addresses[1 - datagram.to], now: now)
        }

        private mutating func takeEvents(of end: Int) throws {
            for event in ends[end].takeEvents() {
                switch event {
                case .send(let bytes, let to):
                    if flying.count < 64, to == addresses[1 - end] { flying.append((bytes, 1 - end)) }
                case .opened(let id, _, let hello, _, _):
                    try expect(hello.record.peer == FuzzCast.members[1 - end].peer, "a session with somebody else")
                    sessions[end].append(id)
                case .received(_, var bytes):
                    guard let header = FrameHeader(bytes), header.opcode == Opcode(1000) else { continue }
                    bytes.moveReaderIndex(forwardBy: Frame.headerSize)
                    let body = Array(bytes.readableBytesView)
                    try expect(sent.contains(body), "a frame that nobody sent")
                    try expect(received.insert(body).inserted, "a frame comes out twice")
                case .moved, .failed, .refused: break
                }
            }
        }
    }
}
