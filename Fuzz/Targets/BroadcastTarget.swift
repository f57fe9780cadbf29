internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierTesting
internal import CarrierWire
internal import NIOCore

/// The broadcast tree among peers that repeat, forge, acknowledge, stay silent and leave: a message is delivered once and
/// only if its origin signed it, and what is passed on is what came.
enum BroadcastTarget {
    private static let epoch: UInt64 = 1_760_000_000_000_000

    /// Messages of the last members, signed once.
    private static let messages: [Broadcast] = (0..<12).compactMap { number in
        try? Broadcast(
            signedBy: FuzzCast.members[80 + number % 6].identity, sequence: epoch + UInt64(number) * 1_000_000,
            message: Opcode(1000), codec: .bytes, body: ByteBuffer(string: "message \(number)"), height: 256,
            wantsReport: number % 2 == 0)
    }

    @Sendable static func run(_ input: ByteBuffer) throws {
        var choices = Choices(input)
        var bench = try Bench()
        while !choices.isEmpty { try bench.step(&choices) }
    }

    private struct Bench {
        static let own = FuzzCast.members[0]
        static let peers = FuzzCast.members[1..<24].filter { !$0.verified.isClient }

        var host: ComponentHost
        var now = Instant.seconds(1000)
        var delivered: Set<Broadcast.ID> = []
        var expected: [(ticket: Ticket, peer: PeerID)] = []
        var timers: [(ticket: Ticket, at: Instant)] = []
        var ids = messages.map(\.id)

        init() throws {
            host = try ComponentHost(
                [BroadcastTree(Bench.own.identity)],
                context: Context(
                    now: now, unixMicroseconds: epoch, random: SeededRandom(3), own: Bench.own.record))
            var table = RoutingTable(own: Bench.own.node)
            for peer in Bench.peers {
                _ = table.observe(peer.verified, .answered, at: nil, reach: .internet, now: now)
            }
            host.setContacts(table)
            for peer in Bench.peers { host.connected(try Bench.info(peer)) }
            _ = host.takeWork()
        }

        private static func info(_ member: FuzzCast.Member) throws -> PeerInfo {
            PeerInfo(
                record: member.record, address: try Address("tcp://203.0.113.1:1").pinned(to: member.peer),
                observedAddress: "", agent: "", isOutbound: true)
        }

        mutating func step(_ choices: inout Choices) throws {
            let peer = choices.choice(of: Bench.peers)
            switch choices.number(below: 12) {
            case 0, 1, 2: receive(choices.choice(of: messages).frame(flags: .needsAck, nonce: 1), peer)
            case 3:
                var message = choices.choice(of: messages)
                (message.height, message.hops) = (
                    UInt16(choices.number(below: 65_536)), UInt16(choices.number(below: 65_536))
                )
                receive(message.frame(), peer)
            case 4:
                var frame = choices.choice(of: messages).frame()
                let place = choices.number(below: frame.body.readableBytes)
                frame.body.setInteger(choices.byte(), at: place)
                receive(frame, peer)
            case 5:
                receive(
                    BroadcastReport(
                        id: choices.choice(of: ids), reached: UInt32(choices.number(below: 65_536)) << 16 | 65_535,
                        duplicates: .max, depth: UInt16(choices.byte())
                    ).frame(), peer)
            case 6: receive(BroadcastDigest(ids: [choices.choice(of: ids), choices.choice(of: ids)]).frame(), peer)
            case 7: receive(BroadcastWant(ids: [choices.choice(of: ids), choices.choice(of: ids)]).frame(), peer)
            case 8:
                guard !expected.isEmpty else { return }
                let (ticket, peer) = expected.remove(at: choices.number(below: expected.count))
                let answer: Answer = choices.byte() % 2 == 0 ? .acknowledged : .failed(.timeout(.milliseconds(500)))
                host.answered(component: 0, ticket, by: peer, answer)
            case 9:
                now = now + .milliseconds(choices.number(below: 60_000))
                host.advance(now: now, unixMicroseconds: epoch &+ UInt64((now - .seconds(1000)).nanoseconds / 1000))
                let due = timers.filter { $0.at <= now }
                timers.removeAll { $0.at <= now }
                for timer in due { host.fired(component: 0, timer.ticket) }
            case 10:
                let info = try Bench.info(peer)
                if host.context.peers[peer.peer] == nil {
                    host.connected(info)
                } else {
                    host.disconnected(info, .broken("reset"))
                }
            default:
                let body = choices.bytes(4)
                _ = try host.with(BroadcastTree.self) {
                    try $0.broadcast(body, opcode: Opcode(1001), BroadcastOptions(), &$1)
                }
            }
            for _ in 0..<100 {
                let work = host.takeWork()
                if work.isEmpty { return }
                for (_, effect) in work { try perform(effect) }
            }
            throw FuzzFailure("work makes work without end")
        }

        private mutating func receive(_ frame: Frame, _ peer: FuzzCast.Member) {
            _ = host.receive(Inbound(peer: peer.peer, frame: frame))
        }

        private mutating func perform(_ effect: Effect) throws {
            switch effect {
            case .deliver(let notice):
                guard let received = notice as? BroadcastReceived else { return }
                try expect(delivered.insert(received.id).inserted, "a message is delivered twice")
                let original = messages.first { $0.id == received.id }
                try expect(original?.body == received.body && original?.origin == received.origin, "a forgery passes")
            case .send(let frame, let destination, let expectation):
                try expect(destination.peer != Bench.own.peer, "it sends to itself")
                if case .ack(let ticket, _) = expectation { expected.append((ticket, destination.peer)) }
                guard frame.opcode == .broadcast else { return }
                let message = try Broadcast(fields: frame.body)
                if message.origin == Bench.own.peer {
                    if !ids.contains(message.id) { ids.append(message.id) }
                } else {
                    try expect(delivered.contains(message.id), "a message is passed on that was not delivered")
                }
                // Height 0 is a repair, which goes to whoever asks.
                let isRepair = message.height == 0
                try expect(message.height < 256 && (isRepair || destination.peer != message.origin), "a way back")
            case .schedule(let ticket, let at): timers.append((ticket, at))
            case .cancel(let ticket): timers.removeAll { $0.ticket == ticket }
            default: break
            }
        }
    }
}
