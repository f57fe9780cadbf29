import Carrier
import CarrierNAT
import CarrierProtocols
import CarrierWire

/// How a listening node can be dialled: its own addresses, mapped ports, doors at relays. Tells the network, and the user.
actor ListenReach {
    private let command: ListenCommand
    private let console: Console
    private var node: Node?
    /// Where the node can be dialled by those beside it: where it listens, or what the user says instead.
    private var own: [Address] = []
    /// Where it listens.
    private var bound: [Address] = []
    private var service: PortMappingService?
    private var requests: [PortRequest] = []
    private var following: Task<Void, Never>?
    /// Ports whose first request has been answered.
    private var answered: Set<PortRequest> = []
    private var firstRound: [CheckedContinuation<Void, Never>] = []
    private var mappings: [PortRequest: PortMapping] = [:]
    private var doors: [Address: Address] = [:]
    /// Addresses that peers see this node at, with its own ports, and that a peer has reached.
    private var found: [Address] = []
    private var observed: [IPAddress] = []
    private var published: [Address] = []
    /// What relays and other peers have been asked to dial.
    private var asked: [Address] = []
    private var hasWarnedOfNAT = false
    private var hasEnded = false
    /// Records that wait for the first one, which names the addresses; nil once that is out.
    private var heldRecords: [any Record]? = []

    /// How long the first answers of routers and relays are waited for, so that the first addresses are the right ones.
    private static let patience: Duration = .seconds(5)

    init(_ command: ListenCommand, _ console: Console) {
        self.command = command
        self.console = console
    }

    /// A request for each port at which others than this machine can come in.
    private static func requests(for bound: [Address]) -> [PortRequest] {
        var requests: [PortRequest] = []
        for address in bound where address.ip?.scope == .privateNetwork {
            guard case .v4 = address.ip else { continue }
            let request = PortRequest(address.scheme == .tcp ? .tcp : .udp, address.port, mayMove: true)
            if !requests.contains(request) { requests.append(request) }
        }
        return requests
    }

    // MARK: Beginning and ending

    /// Maps ports, asks for doors, and publishes what came of it. Waits a little for both, so that the first word is right.
    ///
    /// - Returns: the addresses at which the node can be dialled, the nearest first.
    func begin(_ node: Node, bound: [Address]) async -> [Address] {
        self.node = node
        self.bound = bound
        own = (command.advertise.isEmpty ? bound : command.advertise).map { $0.pinned(to: nil) }
        await mapPorts()
        doors = await node.openDoors(unlessReachableAt: ofTheInternet, within: Self.patience)
        await publish(quietly: true)
        var addresses = own
        for address in mapped + openDoors where !addresses.contains(address) { addresses.append(address) }
        return addresses.map { $0.pinned(to: node.id) }
    }

    private func mapPorts() async {
        let mappers = command.reach.nat.mappers()
        guard !mappers.isEmpty, !hasEnded else { return }
        requests = Self.requests(for: bound)
        guard !requests.isEmpty else {
            return console.diagnostics.note("no port to map: the node listens on no private IPv4 address")
        }
        var configuration = PortMappingService.Configuration()
        configuration.mappers = mappers
        let service = PortMappingService(configuration)
        self.service = service
        let events = await service.start(requests)
        following = Task {
            for await event in events { await hear(event) }
        }
        await awaitFirstRound()
    }

    /// Removes the mappings. Twice is once.
    func end() async {
        hasEnded = true
        endFirstRound()
        await service?.stop()
        await following?.value
    }

    private func awaitFirstRound() async {
        let timer = Task {
            try? await Task.sleep(for: Self.patience)
            endFirstRound()
        }
        if !hasEnded { await withCheckedContinuation { firstRound.append($0) } }
        timer.cancel()
    }

    private func endFirstRound() {
        for waiter in firstRound { waiter.resume() }
        firstRound = []
    }

    private func note(_ request: PortRequest?) {
        answered.formUnion(request.map { [$0] } ?? requests)
        if answered.count == requests.count { endFirstRound() }
    }

    // MARK: Addresses

    /// The router's ends of the mappings that the internet can reach, for each address that they lead to.
    private var mapped: [Address] {
        var addresses: [Address] = []
        for request in requests {
            guard let mapping = mappings[request], mapping.isPublic, let ip = mapping.externalEnd.address else {
                continue
            }
            for scheme in Set(bound.filter { leads(request, to: $0) }.map(\.scheme)).sorted(by: { $0.name < $1.name }) {
                addresses.append(Address(scheme: scheme, host: "\(ip)", port: mapping.externalEnd.port))
            }
        }
        return addresses
    }

    private func leads(_ request: PortRequest, to address: Address) -> Bool {
        (address.scheme == .tcp ? PortTransport.tcp : .udp) == request.transport && address.port == request.internalPort
    }

    /// In the order of the relays on the command line.
    private var openDoors: [Address] { command.reach.relay.compactMap { doors[$0] } }

    /// What of this node should be reachable from the internet without a relay.
    private var ofTheInternet: [Address] {
        (own + mapped + guesses).filter { $0.ip.flatMap(Reach.init) == .internet }
    }

    /// What peers see this node at, with its own ports: true where a router passes everything on.
    private var guesses: [Address] {
        let unmapped = observed.filter { ip in !mappings.values.contains { $0.externalEnd.address == ip } }
        var guesses: [Address] = []
        for ip in unmapped {
            for address in bound {
                let guess = Address(scheme: address.scheme, host: "\(ip)", port: address.port)
                if !guesses.contains(guess) { guesses.append(guess) }
            }
        }
        return guesses
    }

    /// Tells the network where the node can be dialled, if that has changed.
    private func publish(quietly: Bool = false) async {
        guard let node else { return }
        let all = own + mapped + found + openDoors
        let addresses = command.advertise.isEmpty ? ListenCommand.farthestReaching(all) : all
        if addresses != published {
            published = addresses
            await node.publish(addresses)
            if !quietly { emit(PublishedRecord(addresses: addresses.map { $0.pinned(to: node.id) })) }
        }
        let candidates = ofTheInternet
        guard candidates != asked else { return }
        asked = candidates
        await node.watchReachability(of: candidates)
        await node.reconsiderDoors(unlessReachableAt: candidates)
    }

    private func emit(_ record: some Record) {
        // The text output is about sessions; how the node can be reached is told on stderr.
        guard console.output.isJSON else { return }
        if heldRecords == nil { console.output.emit(record) } else { heldRecords?.append(record) }
    }

    /// The first record has gone out; others may follow.
    func announced() {
        for record in heldRecords ?? [] { console.output.emit(record) }
        heldRecords = nil
    }

    // MARK: What happens

    private func hear(_ event: MappingEvent) async {
        switch event {
        case .gateway(let info):
            if !info.externalIsPublic, !hasWarnedOfNAT {
                hasWarnedOfNAT = true
                NATWarning.secondNAT(info).map { console.diagnostics.warning($0) }
            }
        case .mapped(let mapping):
            emit(MappedRecord(mapping: mapping))
            console.diagnostics.note("\(mapping.externalEnd)/\(mapping.transport) is mapped by \(mapping.mapper)")
            await hold(mapping)
        case .changed(let mapping, let old, let why):
            emit(ChangedRecord(mapping: mapping, old: old, why: why))
            console.diagnostics.note("\(mapping.externalEnd)/\(mapping.transport) changed: \(why)")
            await hold(mapping)
        case .lost(let mapping, let why):
            emit(LostRecord(mapping: mapping, why: why))
            console.diagnostics.warning("\(mapping.externalEnd)/\(mapping.transport) is lost: \(why); asking again")
            if let request = request(of: mapping) { mappings[request] = nil }
            await publish()
        case .released(let mapping):
            emit(ReleasedRecord(mapping: mapping))
            console.diagnostics.note("\(mapping.externalEnd)/\(mapping.transport) removed")
        case .notReleased(let mapping, let error): console.report(NATWarning.notReleased(mapping, error))
        case .failed(let request, let error):
            if !answered.isSuperset(of: request.map { [$0] } ?? requests) {
                console.diagnostics.warning("not mapped: \(error)")
            }
            note(request)
        }
    }

    private func request(of mapping: PortMapping) -> PortRequest? {
        requests.first { $0.transport == mapping.transport && $0.internalPort == mapping.internalEnd.port }
    }

    private func hold(_ mapping: PortMapping) async {
        guard let request = request(of: mapping) else { return }
        mappings[request] = mapping
        let isFirst = !firstRound.isEmpty
        note(request)
        // What comes while the first word is being prepared goes out with it.
        if !isFirst { await publish() }
    }

    /// What a component has to tell.
    func hear(_ notice: any Notice) async {
        switch notice {
        case let notice as ReachabilityNotice: await hear(notice)
        case let notice as DoorNotice: await hear(notice)
        case let notice as AddressObserved:
            observed.append(notice.ip)
            await publish()
        default: break
        }
    }

    private func hear(_ notice: ReachabilityNotice) async {
        emit(ReachableRecord(notice: notice))
        if notice.isReachable {
            console.diagnostics.note("reachable at \(notice.address): \(notice.witness.short) dialled it")
            guard guesses.contains(notice.address), !found.contains(notice.address) else { return }
            found.append(notice.address)
        } else {
            let hint = command.reach.nat == .off && command.reach.relay.isEmpty ? "; try --nat auto, or --relay" : ""
            console.diagnostics.note(
                "not reachable at \(notice.address): \(notice.witness.short) says: \(notice.text)\(hint)")
            found.removeAll { $0 == notice.address }
        }
        await publish()
    }

    private func hear(_ notice: DoorNotice) async {
        emit(DoorRecord(notice: notice))
        switch notice {
        case .opened(let relay, let door):
            console.diagnostics.note("\(relay) holds a door open: \(door.pinned(to: node?.id))")
            doors[relay] = door
        case .closed(let relay, let door):
            console.diagnostics.warning("the door \(door) is closed; asking \(relay) again")
            doors[relay] = nil
        case .notNeeded(let relay, let reached):
            console.diagnostics.note("no door is needed: \(relay) reached this node at \(reached)")
        case .failed(let relay, let reason):
            console.diagnostics.warning("\(relay): no door: \(reason); asking again")
        }
        await publish()
    }
}
