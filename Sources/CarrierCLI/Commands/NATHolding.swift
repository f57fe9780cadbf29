import CarrierNAT

/// `nat-map PORT…`: holds mappings until it is stopped, or makes them and leaves.
struct NATHolding {
    private let requests: [PortRequest]
    private let once: Bool
    private let check: NATCheck?
    private let console: Console
    private let service: PortMappingService

    /// What happens, in order.
    private enum Event: Sendable {
        case mapping(MappingEvent)
        case checked([PortMapping: ExitCode])
    }

    init(
        _ requests: [PortRequest], _ mappers: [any PortMapper], once: Bool, check: NATCheck?, _ console: Console
    ) {
        self.requests = requests
        self.once = once
        self.check = check
        self.console = console
        var configuration = PortMappingService.Configuration()
        configuration.mappers = mappers
        configuration.isPersistent = false
        service = PortMappingService(configuration)
    }

    func run() async -> ExitCode {
        // The events go on after the command's task is cancelled: removing the mappings is told too.
        let telling = Task { await tell() }
        return await withTaskCancellationHandler {
            await telling.value
        } onCancel: {
            Task { await service.stop() }
        }
    }

    private func tell() async -> ExitCode {
        let (events, all) = AsyncStream<Event>.makeStream()
        let mappingEvents = await service.start(requests)
        Task {
            for await event in mappingEvents { all.yield(.mapping(event)) }
            all.finish()
        }
        var codes: [PortRequest: ExitCode] = [:]
        var unchecked: [PortMapping] = []
        var checking: Task<Void, Never>?
        defer { checking?.cancel() }
        for await event in events {
            switch event {
            case .mapping(let event): tell(event, &codes, &unchecked)
            case .checked(let found):
                checking = nil
                for (mapping, code) in found {
                    // Behind another NAT it is no news that nobody comes through.
                    guard let request = request(of: mapping), mapping.isPublic || code == .ok else { continue }
                    codes[request] = code
                }
            }
            guard codes.count == requests.count else { continue }
            if let check, checking == nil, !unchecked.isEmpty {
                let mappings = unchecked
                unchecked = []
                checking = Task { all.yield(.checked(await check.run(mappings))) }
            }
            if once && checking == nil { await service.stop(leavingMappings: true) }
        }
        return .combined(codes.values)
    }

    private func tell(_ event: MappingEvent, _ codes: inout [PortRequest: ExitCode], _ unchecked: inout [PortMapping]) {
        switch event {
        case .gateway(let info):
            console.output.emit(GatewayRecord(info: info, isResult: false))
            NATWarning.secondNAT(info).map { console.diagnostics.warning($0) }
        case .mapped(let mapping):
            console.output.emit(MappedRecord(mapping: mapping))
            if check != nil { unchecked.append(mapping) }
            guard let request = request(of: mapping) else { return }
            codes[request] = mapping.isPublic ? .ok : .partial
            for warning in NATWarning.of(mapping, request, once: once) { console.diagnostics.warning(warning) }
        case .changed(let mapping, let old, let why):
            console.output.emit(ChangedRecord(mapping: mapping, old: old, why: why))
            if check != nil, mapping.externalEnd != old.externalEnd { unchecked.append(mapping) }
            console.diagnostics.note("\(mapping.externalEnd)/\(mapping.transport) changed: \(why)")
        case .lost(let mapping, let why):
            console.output.emit(LostRecord(mapping: mapping, why: why))
            console.diagnostics.warning("\(mapping.externalEnd)/\(mapping.transport) is lost: \(why); asking again")
        case .released(let mapping):
            console.output.emit(ReleasedRecord(mapping: mapping))
            console.diagnostics.note("\(mapping.externalEnd)/\(mapping.transport) removed")
        case .notReleased(let mapping, let error): console.report(NATWarning.notReleased(mapping, error))
        case .failed(let request, let error):
            if codes.values.contains(where: { $0 == .ok || $0 == .partial }), codes.count == requests.count {
                // It has been up, and will be asked again.
                console.diagnostics.warning("\(error); asking again")
                return
            }
            var failure = Failure(error, target: request.map { "\($0.internalPort)/\($0.transport)" })
            // A router behind another NAT may map in vain or refuse: for who asks once it is the same.
            if once && error.isSecondNAT { failure.code = .partial }
            console.report(failure)
            for failed in request.map({ [$0] }) ?? requests { codes[failed] = failure.code }
        }
    }

    private func request(of mapping: PortMapping) -> PortRequest? {
        requests.first { $0.transport == mapping.transport && $0.internalPort == mapping.internalEnd.port }
    }
}
