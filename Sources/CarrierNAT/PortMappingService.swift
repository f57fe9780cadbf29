/// Holds ports mapped: finds a gateway, maps, renews, maps again after a router's restart, and removes everything at the end.
///
///     let service = PortMappingService()
///     for await event in await service.start([PortRequest(.tcp, 4000)]) { … }
///     // elsewhere, also while the first search is still going on:
///     await service.stop()
public actor PortMappingService {
    /// What a service does, with defaults for a node at home.
    public struct Configuration: Sendable {
        /// The ways to map, asked side by side; the first gateway that grants something is used. By default NAT-PMP and UPnP.
        public var mappers: [any PortMapper] = [NATPMPMapper(), UPnPMapper()]
        /// How often the gateway is asked whether it is still what it was, 10 s by default.
        public var checkInterval: Duration = .seconds(10)
        /// Whether to go on where the first round maps nothing at all, with pauses up to 30 s; true by default.
        /// With false the events end there.
        public var isPersistent = true

        /// The defaults.
        public init() {}
    }

    private let configuration: Configuration
    private let continuation: AsyncStream<MappingEvent>.Continuation
    private let events: AsyncStream<MappingEvent>

    private var keepers: [MappingKeeper] = []
    /// The gateway in use; nil while it must be looked for.
    private var gateway: (any PortGateway)?
    /// The one that was asked last: mappings are removed there even if it seems gone.
    private var lastGateway: (any PortGateway)?
    private var epochs = EpochWatch()
    private var nextCheck = ContinuousClock.now
    private var searchFailures = 0
    private var nextSearch = ContinuousClock.now
    private var hasMapped = false

    private var isStopping = false
    private var leavesMappings = false
    private var runner: Task<Void, Never>?
    private var round: Task<Void, Never>?
    private var sleeper: Task<Void, Never>?

    /// A service that has mapped nothing yet.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        (events, continuation) = AsyncStream.makeStream()
    }

    /// Starts; returns what happens. The events end after `stop`, or after a first round in vain where the service is not
    /// persistent. To be called once.
    public func start(_ requests: [PortRequest]) -> AsyncStream<MappingEvent> {
        guard runner == nil, !isStopping else { return events }
        keepers = requests.map { MappingKeeper($0, at: .now) }
        runner = Task { await run() }
        return events
    }

    /// Removes the mappings and ends the events. Takes at most 2 s, whatever the gateway does.
    ///
    /// - Parameter leavingMappings: with true the router keeps what it has granted for as long as it granted it.
    public func stop(leavingMappings: Bool = false) async {
        isStopping = true
        leavesMappings = leavesMappings || leavingMappings
        sleeper?.cancel()
        guard let runner else { return continuation.finish() }
        // A request on its way gets a moment to end well: what the router grants late is hard to remove.
        let moment: Duration = keepers.contains(where: \.isAsking) ? .milliseconds(400) : .zero
        let hurry = Task {
            try? await Task.sleep(for: moment)
            round?.cancel()
        }
        await runner.value
        hurry.cancel()
    }

    private func run() async {
        while !isStopping {
            let round = Task { await work() }
            self.round = round
            await round.value
            if isStopping || (!configuration.isPersistent && !hasMapped) { break }
            let until = nextDeadline
            let sleeper = Task { _ = try? await Task.sleep(until: until, clock: .continuous) }
            self.sleeper = sleeper
            await sleeper.value
        }
        if !leavesMappings { await release() }
        continuation.finish()
    }

    private var nextDeadline: ContinuousClock.Instant {
        // Without a gateway there is nobody to ask: only leases that end count.
        guard gateway != nil else {
            return keepers.compactMap { $0.mapping == nil ? nil : $0.nextDeadline }.reduce(nextSearch, min)
        }
        return keepers.compactMap(\.nextDeadline).reduce(nextCheck, min)
    }

    private func tell(_ new: [MappingEvent]) {
        for event in new { continuation.yield(event) }
    }

    // MARK: One round

    /// Does everything that is due.
    private func work() async {
        for index in keepers.indices { tell(keepers[index].elapsed(at: .now)) }
        if gateway == nil { await search() }
        guard let gateway else { return }
        let due = keepers.contains { $0.due(at: .now) != nil }
        if hasMapped && (due || nextCheck <= .now) { await check(gateway) }
        guard self.gateway != nil else { return }
        await ask(gateway)
    }

    /// Looks for a gateway that grants something. While something is held, its mapper alone is asked: another one could
    /// not renew it.
    private func search() async {
        guard nextSearch <= .now else { return }
        let holder = keepers.lazy.compactMap(\.mapping?.mapper).first
        let mappers = configuration.mappers.filter { holder == nil || $0.name == holder }
        var errors: [NATError] = []
        await GatewaySearch(mappers).run { found in
            switch found {
            case .failure(let error): errors.append(error)
            case .success(let found):
                for index in keepers.indices { keepers[index].gatewayFound(at: .now) }
                gateway = found
                if holder == nil {
                    errors += await ask(found, quietly: true)
                    if keepers.allSatisfy({ $0.mapping == nil }) { gateway = nil }
                }
            }
            return gateway == nil && !isStopping
        }
        if gateway == nil {
            // What is held can be saved: look more often.
            nextSearch = .now + .seconds(min(1 << min(searchFailures, 5), holder == nil ? 30 : 8))
            searchFailures += 1
            if !isStopping { tell([.failed(nil, .all(errors))]) }
        } else {
            searchFailures = 0
            nextCheck = .now
        }
    }

    /// Asks for what is due, and returns what went wrong.
    ///
    /// - Parameter quietly: whether failures of ports are held back as long as no port is granted: another gateway may do.
    @discardableResult
    private func ask(_ gateway: any PortGateway, quietly: Bool = false) async -> [NATError] {
        lastGateway = gateway
        var held: [MappingEvent] = []
        var errors: [NATError] = []
        var isTold = !quietly
        for index in keepers.indices {
            guard !isStopping, let request = keepers[index].due(at: .now) else { continue }
            keepers[index].asking()
            do throws(NATError) {
                let mapping = try await gateway.map(request)
                let granted = keepers[index].granted(mapping, at: .now)
                if !isTold {
                    tell([.gateway(gateway.info)] + held)
                    isTold = true
                }
                hasMapped = true
                tell(granted)
            } catch .cancelled {
                return errors
            } catch {
                errors.append(error)
                let failed = keepers[index].failed(error, at: .now)
                if isTold { tell(failed) } else { held += failed }
                if error.concernsTheWay { self.gateway = nil }
            }
        }
        return errors
    }

    /// Asks the gateway how it is, and takes what follows from that.
    private func check(_ gateway: any PortGateway) async {
        nextCheck = .now + configuration.checkInterval
        let answer: GatewayCheck
        do throws(NATError) {
            answer = try await gateway.check(keepers.compactMap(\.mapping))
        } catch {
            // The way to the router is lost, or the router is: look for it anew.
            if error != .cancelled {
                self.gateway = nil
                tell([.failed(nil, error)])
            }
            return
        }
        if let epoch = answer.epoch, epochs.restarted(epoch, at: .now) {
            for index in keepers.indices { keepers[index].gatewayRestarted(at: .now) }
        }
        for index in keepers.indices {
            if let mapping = keepers[index].mapping, answer.missing.contains(mapping) {
                tell(keepers[index].missing(at: .now))
            }
        }
        let held = keepers.compactMap(\.mapping)
        guard let address = answer.externalAddress, held.contains(where: { $0.externalEnd.address != address }) else {
            return
        }
        if gateway.info.externalAddress == address {
            for index in keepers.indices { keepers[index].gatewayFound(at: .now) }
        } else {
            // Mappings carry the address that the gateway had when it was found: find it again. Not at once: a router
            // that says something else each time shall not keep us busy.
            self.gateway = nil
            nextSearch = .now + .seconds(1)
        }
    }

    // MARK: The end

    private func release() async {
        let leftovers = keepers.indices.compactMap { keepers[$0].stop() }
        guard let gateway = gateway ?? lastGateway else { return }
        await withTaskGroup(of: (PortMapping, Bool, NATError?).self) { group in
            for (mapping, isHeld) in leftovers {
                group.addTask {
                    do throws(NATError) {
                        try await gateway.unmap(mapping)
                        return (mapping, isHeld, nil)
                    } catch {
                        return (mapping, isHeld, error)
                    }
                }
            }
            for await (mapping, isHeld, error) in group where isHeld {
                tell([error.map { .notReleased(mapping, $0) } ?? .released(mapping)])
            }
        }
    }
}
