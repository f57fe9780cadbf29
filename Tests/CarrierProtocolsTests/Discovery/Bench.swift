import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire

/// One node's components on a virtual clock, with nobody around: a test plays the network.
struct Bench {
    var host: ComponentHost
    var now = Instant.seconds(1000)
    var notices: [any Notice] = []
    /// Peers that were penalised, and those whose malformed message ended the connection.
    var blamed: [PeerID] = []
    var sent: [(frame: Frame, to: Destination, expectation: Expectation)] = []
    var relayed: [RelayEffect] = []
    private(set) var reached: [LimitUse.Name] = []
    var dials: [(address: Address, ticket: Ticket)] = []
    var timers: [(ticket: Ticket, at: Instant, component: Int)] = []
    static let epoch: UInt64 = 1_760_000_000_000_000

    init(_ own: Cast.Member, _ components: [any Component], limits: RoutingTable.Limits = .init()) throws {
        let context = Context(
            now: now, unixMicroseconds: Bench.epoch, random: SeededRandom(5), own: own.record, limits: limits)
        host = try ComponentHost(components, context: context)
        tick()
    }

    var unixMicroseconds: UInt64 { Bench.epoch &+ UInt64((now - .seconds(1000)).nanoseconds / 1000) }

    mutating func tick() { host.advance(now: now, unixMicroseconds: unixMicroseconds) }

    /// Runs something at the host and takes in what it wants done.
    mutating func run(_ body: (inout ComponentHost) -> Void) {
        tick()
        body(&host)
        for (component, effect) in host.takeWork() {
            switch effect {
            case .send(let frame, let destination, let expectation): sent.append((frame, destination, expectation))
            case .deliver(let notice): notices.append(notice)
            case .penalise(let peer, _), .disconnect(let peer, .protocolError, _): blamed.append(peer)
            case .dial(let address, _, let ticket), .check(let address, let ticket): dials.append((address, ticket))
            case .schedule(let ticket, let time):
                timers.removeAll { $0.ticket == ticket && $0.component == component }
                timers.append((ticket, time, component))
            case .cancel(let ticket): timers.removeAll { $0.ticket == ticket && $0.component == component }
            case .relay(let effect): relayed.append(effect)
            case .reached(let limit): reached.append(limit)
            case .disconnect, .log: break
            }
        }
    }

    /// Lets time pass and fires what is due, in order.
    mutating func wait(_ duration: Duration) {
        let end = now + duration
        while let next = timers.filter({ $0.at <= end }).min(by: { $0.at < $1.at }) {
            timers.removeAll { $0.ticket == next.ticket && $0.component == next.component }
            now = max(now, next.at)
            run { $0.fired(component: next.component, next.ticket) }
        }
        now = end
    }

    /// A peer is connected; at an address of its record where none is given.
    mutating func connect(
        _ member: Cast.Member, at address: String? = nil, isOutbound: Bool = true, seesUsAt observed: String = ""
    ) {
        let text = address ?? member.record.addresses.first ?? "tcp://198.51.100.9:4000"
        guard let address = try? Address(text) else { return }
        let info = PeerInfo(
            record: member.record, address: address.pinned(to: member.peer), observedAddress: observed, agent: "test",
            isOutbound: isOutbound)
        run { $0.connected(info) }
    }

    /// A peer is gone.
    mutating func disconnect(_ member: Cast.Member, _ cause: DisconnectCause = .broken("gone")) {
        guard let info = host.context.peers[member.peer] else { return }
        run { $0.disconnected(info, cause) }
    }

    /// The outcome of the dial that was made as number `index`.
    mutating func dialled(_ index: Int, _ outcome: Result<PeerInfo, RequestError>, component: Int = 0) {
        let ticket = dials[index].ticket
        run { $0.dialled(component: component, ticket, outcome) }
    }

    /// A frame of a peer comes in.
    mutating func receive(
        _ message: some BuiltInMessage, from member: Cast.Member, flags: Frame.Flags = [], nonce: UInt32 = 0
    ) {
        run { _ = $0.receive(Inbound(peer: member.peer, frame: message.frame(flags: flags, nonce: nonce))) }
    }

    /// The outcome of the frame that was sent as number `index`.
    mutating func answer(_ index: Int, _ answer: Answer, component: Int = 0) {
        let (_, destination, expectation) = sent[index]
        switch expectation {
        case .reply(let ticket, _), .ack(let ticket, _):
            run { $0.answered(component: component, ticket, by: destination.peer, answer) }
        case .nothing: break
        }
    }

    /// Answers a lookup query with these records.
    mutating func answer(_ index: Int, with records: [PeerRecord]) {
        answer(index, .reply(LookupNodeResponse(records: records).frame(flags: .reply)))
    }

    func sent(_ opcode: Opcode) -> [Int] { sent.indices.filter { sent[$0].frame.opcode == opcode } }
    func notices<Kind: Notice>(_ kind: Kind.Type) -> [Kind] { notices.compactMap { $0 as? Kind } }
    var contacts: RoutingTable { host.context.contacts }
}
