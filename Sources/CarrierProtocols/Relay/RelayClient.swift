public import CarrierCrypto
public import CarrierWire
internal import Logging

/// How it stands with the door that a relay is asked for.
public enum DoorNotice: Notice, Hashable {
    /// The relay holds a door open: this node can be dialled there.
    case opened(relay: Address, door: Address)
    /// It does no more; the relay is asked again.
    case closed(relay: Address, door: Address)
    /// No door is needed: the relay reached the node at this address.
    case notNeeded(relay: Address, reached: Address)
    /// The relay cannot be reached or gives no door; it is asked again.
    case failed(relay: Address, reason: String)

    /// The relay.
    public var relay: Address {
        switch self {
        case .opened(let relay, _), .closed(let relay, _), .notNeeded(let relay, _), .failed(let relay, _): relay
        }
    }
}

/// Keeps a door open at each of some relays, as long as the relay cannot reach this node itself (carrier-wire(7) §5.2). When the
/// relay is gone it is dialled again, after a pause that doubles.
public struct RelayClient: Component {
    /// How to ask.
    public struct Configuration: Sendable, Hashable {
        /// The pauses between tries.
        public var backOff = BackOff()
        /// The pause after a relay has said no. Default 30 s.
        public var refusalPause: Duration = .seconds(30)
        /// Connections through one relay's doors. Default 16.
        public var circuits = 16

        /// The defaults.
        public init() {}
    }

    private struct Relay {
        let address: Address
        /// Who it proved to be; nil while it is not connected.
        var peer: PeerID?
        var door: Address?
        /// Where the relay reached this node, so that it needs no door.
        var reached: Address?
        var failures = 0
        var isPausing = false
        var circuits = 0
    }

    private enum Pending {
        case dial(Int)
        case check(Int, Address)
        case door(Int)
        case pause(Int)
    }

    public let name = "door"
    public let opcodes: [Opcode] = [.proxyResponse]
    private let configuration: Configuration
    private var relays: [Relay]
    /// Addresses of this node that may work without a relay.
    private var candidates: [Address] = []
    private var pending: [Ticket: Pending] = [:]
    private var lastTicket: UInt64 = 0
    private var hasBegun = false

    /// Asks these relays.
    public init(_ relays: [Address], _ configuration: Configuration = Configuration()) {
        self.relays = relays.map { Relay(address: $0) }
        self.configuration = configuration
    }

    /// The doors that are open now, by their relay.
    public var doors: [Address: Address] {
        var doors: [Address: Address] = [:]
        for relay in relays { doors[relay.address] = relay.door }
        return doors
    }

    /// Begins before the node starts, so that its first word about itself is right.
    ///
    /// - Parameters:
    ///   - candidates: addresses of this node that make a door needless where the relay reaches one of them.
    ///   - context: takes the effects.
    public mutating func begin(_ candidates: [Address], _ context: inout Context) {
        self.candidates = candidates
        started(&context)
    }

    public mutating func started(_ context: inout Context) {
        guard !hasBegun else { return }
        hasBegun = true
        for index in relays.indices { dial(index, &context) }
    }

    /// This node has other addresses: where a relay reached one that is gone, it is asked anew.
    public mutating func reconsider(_ candidates: [Address], _ context: inout Context) {
        self.candidates = candidates
        for index in relays.indices {
            guard let reached = relays[index].reached, !candidates.contains(reached) else { continue }
            relays[index].reached = nil
            dial(index, &context)
        }
    }

    private mutating func ticket(_ what: Pending) -> Ticket {
        lastTicket &+= 1
        pending[Ticket(lastTicket)] = what
        return Ticket(lastTicket)
    }

    // MARK: Asking

    private mutating func dial(_ index: Int, _ context: inout Context) {
        context.perform(.dial(relays[index].address, ticket: ticket(.dial(index))))
    }

    public mutating func dialled(
        _ ticket: Ticket, _ outcome: Result<PeerInfo, RequestError>, _ context: inout Context
    ) {
        guard case .dial(let index)? = pending.removeValue(forKey: ticket) else { return }
        switch outcome {
        case .success(let info):
            relays[index].peer = info.peer
            let seen = (try? Address(info.observedAddress))?.ip
            if let candidate = candidates.first(where: { $0.ip == seen && seen.flatMap(Reach.init) == .internet }) {
                let request = ReachabilityRequest(address: candidate.pinned(to: nil).description)
                let ticket = self.ticket(.check(index, candidate))
                context.send(request.frame(), to: Destination(info.peer), .reply(ticket, within: .seconds(10)))
            } else {
                askForDoor(index, &context)
            }
        case .failure(let error): failed(index, "\(error)", &context)
        }
    }

    private mutating func askForDoor(_ index: Int, _ context: inout Context) {
        guard let peer = relays[index].peer else { return }
        let request = ProxyRequest(kind: ProxyRequest.openDoor)
        context.send(
            request.frame(), to: Destination(peer), .reply(ticket(.door(index)), within: .seconds(10)))
    }

    public mutating func answered(
        _ ticket: Ticket, by peer: PeerID, _ answer: Answer, _ context: inout Context
    ) throws {
        switch pending.removeValue(forKey: ticket) {
        case .check(let index, let candidate):
            guard relays[index].peer == peer else { return }
            if case .reply(let frame) = answer,
                (try? ReachabilityResponse(fields: frame.body))?.status == ReachabilityResponse.reached
            {
                relays[index].failures = 0
                relays[index].reached = candidate
                context.perform(.deliver(DoorNotice.notNeeded(relay: relays[index].address, reached: candidate)))
            } else {
                askForDoor(index, &context)
            }
        case .door(let index):
            guard relays[index].peer == peer else { return }
            doorAnswered(index, peer, answer, &context)
        case .dial, .pause, nil: break
        }
    }

    private mutating func doorAnswered(_ index: Int, _ peer: PeerID, _ answer: Answer, _ context: inout Context) {
        switch answer {
        case .failed(let error): return failed(index, "\(error)", &context)
        case .acknowledged: return failed(index, "expected a ProxyResponse, got an ack", &context)
        case .reply(let frame):
            guard frame.opcode == .proxyResponse, let response = try? ProxyResponse(fields: frame.body) else {
                return failed(index, "expected a ProxyResponse, got \(frame.opcode)", &context)
            }
            guard response.status == ProxyResponse.open else {
                let reason = ProxyResponse.word(for: response.status)
                return failed(
                    index, "the relay gives no door: \(reason)", pausing: configuration.refusalPause, &context)
            }
            guard let door = try? Address(response.publicAddress), door.scheme == .tcp, door.port != 0,
                door.ip.map({ Reach($0) != nil }) ?? true
            else {
                let reason = "expected a door that can be dialled, got \"\(response.publicAddress)\""
                return failed(index, reason, pausing: configuration.refusalPause, &context)
            }
            relays[index].failures = 0
            relays[index].door = door.pinned(to: nil)
            context.perform(.deliver(DoorNotice.opened(relay: relays[index].address, door: door.pinned(to: nil))))
        }
    }

    // MARK: Failing

    private mutating func failed(
        _ index: Int, _ reason: String, pausing pause: Duration? = nil, _ context: inout Context
    ) {
        // A connection that ends fails its questions too.
        guard !relays[index].isPausing else { return }
        relays[index].isPausing = true
        relays[index].failures += 1
        context.perform(.deliver(DoorNotice.failed(relay: relays[index].address, reason: reason)))
        let pause = pause ?? configuration.backOff.pause(after: relays[index].failures, using: &context.random)
        context.perform(.schedule(ticket(.pause(index)), at: context.now + pause))
    }

    public mutating func fired(_ ticket: Ticket, _ context: inout Context) {
        guard case .pause(let index)? = pending.removeValue(forKey: ticket) else { return }
        relays[index].isPausing = false
        dial(index, &context)
    }

    public mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context) {
        for index in relays.indices where relays[index].peer == peer.peer {
            relays[index].peer = nil
            relays[index].reached = nil
            if let door = relays[index].door {
                relays[index].door = nil
                context.perform(.deliver(DoorNotice.closed(relay: relays[index].address, door: door)))
            }
            if case .local(.shutdown, _) = cause { continue }
            failed(index, "\(cause)", &context)
        }
    }

    // MARK: Circuits

    public mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
        let offer = try ProxyResponse(fields: message.frame.body)
        guard offer.status == ProxyResponse.incoming,
            let index = relays.firstIndex(where: { $0.peer == message.peer && $0.door != nil })
        else {
            context.perform(.penalise(message.peer, "a word of a relay that is none of this node's"))
            return true
        }
        guard relays[index].circuits < configuration.circuits else {
            context.log(
                .notice, "\(message.peer.short) offers more than \(configuration.circuits) circuits; left waiting")
            return true
        }
        relays[index].circuits += 1
        let relay = relays[index].address.pinned(to: message.peer)
        context.perform(
            .relay(.fetch(WaitingCircuit(relay: relay, ticket: offer.ticket, remote: offer.publicAddress))))
        return true
    }

    /// A circuit that was fetched is over, or could not be.
    public mutating func circuitEnded(_ circuit: WaitingCircuit) {
        for index in relays.indices
        where relays[index].address.pinned(to: circuit.relay.peer) == circuit.relay && relays[index].circuits > 0 {
            relays[index].circuits -= 1
            return
        }
    }
}

extension ProxyResponse {
    /// What a status says, for people.
    static func word(for status: UInt16) -> String {
        switch status {
        case refused: "refused"
        case full: "it has as many as it may"
        case rateLimited: "asked too often"
        default: "status \(status)"
        }
    }
}
