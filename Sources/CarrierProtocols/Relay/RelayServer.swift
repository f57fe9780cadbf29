public import CarrierCrypto
public import CarrierWire
internal import Logging

/// Holds doors open for nodes that nobody can dial (carrier-wire(7) §5.2): decides who gets one, and who passes it. The sockets
/// are the shell's.
public struct RelayServer: Component {
    /// What being a relay may cost.
    public struct Configuration: Sendable, Hashable {
        /// Doors in all. Default 128.
        public var doors = 128
        /// Doors of one node. Default 4.
        public var doorsPerNode = 4
        /// Connections at a door, those that wait and those that have passed. Default 16.
        public var circuits = 16
        /// How long one connection may last. Default 1 h.
        public var circuitTime: Duration = .seconds(3600)
        /// How long one may wait to be fetched. Default 10 s.
        public var wait: Duration = .seconds(10)
        /// Requests for doors of one node. Default one in ten seconds, 8 at once.
        public var requests = TokenBucket.Rate(perSecond: 0.1, burst: 8)

        /// The defaults.
        public init() {}

        /// No doors for anybody.
        public static var refusing: Configuration {
            var configuration = Configuration()
            configuration.doors = 0
            return configuration
        }
    }

    private struct Door {
        let owner: PeerID
        /// The request that waits for its answer; nil once it is answered.
        var nonce: UInt32?
        var circuits: Set<UInt64> = []
    }

    private struct Circuit {
        let door: UInt64
        /// What claims it; nil once it is claimed.
        var ticket: [UInt8]?
    }

    public let name = "relay"
    public let opcodes: [Opcode] = [.proxyRequest]
    private let configuration: Configuration
    private var requests: TokenBuckets<PeerID>
    private var doors: [UInt64: Door] = [:]
    private var circuits: [UInt64: Circuit] = [:]
    private var lastNumber: UInt64 = 0

    /// The component of a node that holds doors open for others.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        requests = TokenBuckets(configuration.requests)
    }

    public func limits(_ context: Context) -> [LimitUse] {
        var owned: [PeerID: Int] = [:]
        for door in doors.values { owned[door.owner, default: 0] += 1 }
        return [
            LimitUse(.doors, used: doors.count, configuration.doors),
            LimitUse(.doorsPerNode, used: owned.values.max() ?? 0, configuration.doorsPerNode),
            LimitUse(.circuits, used: doors.values.map(\.circuits.count).max() ?? 0, configuration.circuits),
            LimitUse(.circuitTime, configuration.circuitTime),
        ]
    }

    private mutating func number() -> UInt64 {
        lastNumber &+= 1
        return lastNumber
    }

    // MARK: Doors

    public mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
        let request = try ProxyRequest(fields: message.frame.body)
        guard request.kind == ProxyRequest.openDoor, message.isRequest else {
            context.perform(.penalise(message.peer, "expected a request for a door, got kind \(request.kind)"))
            return true
        }
        let mine = doors.values.count { $0.owner == message.peer }
        var status: UInt16?
        if configuration.doors == 0 {
            status = ProxyResponse.refused
        } else if !requests.take(message.peer, now: context.now) {
            status = ProxyResponse.rateLimited
        } else if doors.count >= configuration.doors || mine >= configuration.doorsPerNode {
            status = ProxyResponse.full
            context.reached(mine >= configuration.doorsPerNode ? .doorsPerNode : .doors)
        }
        if let status {
            context.reply(to: message, with: ProxyResponse(status: status))
        } else {
            let number = number()
            doors[number] = Door(owner: message.peer, nonce: message.frame.nonce)
            context.perform(.relay(.openDoor(number, for: message.peer)))
        }
        return true
    }

    /// The port is open at this address; nil: it could not be opened.
    public mutating func doorOpened(_ number: UInt64, at address: Address?, _ context: inout Context) {
        guard let door = doors[number], let nonce = door.nonce else {
            // Its owner is gone.
            return context.perform(.relay(.closeDoor(number)))
        }
        doors[number]?.nonce = nil
        let answer: ProxyResponse
        if let address {
            answer = ProxyResponse(status: ProxyResponse.open, publicAddress: address.pinned(to: nil).description)
        } else {
            doors[number] = nil
            answer = ProxyResponse(status: ProxyResponse.refused)
        }
        context.send(answer.frame(flags: .reply, nonce: nonce), to: Destination(door.owner))
    }

    /// A door closes with the session that asked for it; what has passed it goes on.
    public mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context) {
        for (number, door) in doors where door.owner == peer.peer {
            doors[number] = nil
            for circuit in door.circuits where circuits[circuit]?.ticket != nil { circuits[circuit] = nil }
            context.perform(.relay(.closeDoor(number)))
        }
    }

    // MARK: Circuits

    /// Somebody connected to a door: its owner is told.
    ///
    /// - Returns: the connection's number; nil when there is no room for it.
    public mutating func knocked(
        _ number: UInt64, from remote: Address, _ context: inout Context
    ) -> UInt64? {
        // Connections outlive their door: they count on.
        guard let door = doors[number], door.nonce == nil, door.circuits.count < configuration.circuits,
            circuits.count < configuration.doors * configuration.circuits
        else {
            if doors[number]?.nonce == nil { context.reached(.circuits) }
            return nil
        }
        let circuit = self.number()
        let ticket = Bytes32(random: &context.random).array.prefix(ProxyRequest.ticketSize)
        circuits[circuit] = Circuit(door: number, ticket: Array(ticket))
        doors[number]?.circuits.insert(circuit)
        let offer = ProxyResponse(
            status: ProxyResponse.incoming, publicAddress: remote.pinned(to: nil).description, ticket: Array(ticket))
        context.send(offer.frame(), to: Destination(door.owner))
        context.perform(.schedule(Ticket(circuit), at: context.now + configuration.wait))
        return circuit
    }

    /// Who asked for a door.
    public func owner(of door: UInt64) -> PeerID? { doors[door]?.owner }

    /// Whether this peer has been told of a connection that it has not fetched.
    public func isAwaited(_ peer: PeerID) -> Bool {
        circuits.values.contains { $0.ticket != nil && doors[$0.door]?.owner == peer }
    }

    /// A session asks for the connection that a ticket names. The ticket alone counts: nobody else was told of it.
    public mutating func claim(_ ticket: [UInt8], _ context: inout Context) -> UInt64? {
        guard let number = circuits.first(where: { $0.value.ticket == ticket })?.key else { return nil }
        circuits[number]?.ticket = nil
        context.perform(.schedule(Ticket(number), at: context.now + configuration.circuitTime))
        return number
    }

    /// A connection that waited or had passed is over.
    public mutating func circuitEnded(_ number: UInt64, _ context: inout Context) {
        guard let circuit = circuits.removeValue(forKey: number) else { return }
        doors[circuit.door]?.circuits.remove(number)
        context.perform(.cancel(Ticket(number)))
    }

    /// A connection has waited or lasted too long.
    public mutating func fired(_ ticket: Ticket, _ context: inout Context) {
        guard let circuit = circuits[ticket.number] else { return }
        if circuit.ticket == nil { context.reached(.circuitTime) }
        context.log(.debug, "circuit \(ticket.number) has had its time")
        context.perform(.relay(.endCircuit(ticket.number)))
    }
}
