import CarrierNAT
import CarrierWire

/// What `nat-map` does with every gateway there is, once: show them, list or remove mappings.
struct NATTable {
    private let search: GatewaySearch
    private let console: Console

    init(_ mappers: [any PortMapper], _ console: Console) {
        search = GatewaySearch(mappers)
        self.console = console
    }

    /// Shows the gateways.
    func probe() async throws(NATError) -> ExitCode {
        try await each { gateway throws(NATError) in
            console.output.emit(GatewayRecord(info: gateway.info))
            NATWarning.secondNAT(gateway.info).map { console.diagnostics.warning($0) }
        }
        return .ok
    }

    /// Prints the router's table.
    func list() async throws(NATError) -> ExitCode {
        try await each { gateway throws(NATError) in
            for line in try await gateway.list() { console.output.emit(ListedRecord(listed: line)) }
        }
        return .ok
    }

    /// Removes the mappings of `ports`, by every protocol that may have made them.
    func release(_ ports: [PortArgument]) async throws(NATError) -> ExitCode {
        var released: [PortArgument: PortMapping] = [:]
        var failures: [PortArgument: NATError] = [:]
        try await each { gateway throws(NATError) in
            for port in ports {
                let mapping = PortMapping(
                    mapper: gateway.info.mapper, transport: port.transport,
                    internalEnd: .init(gateway.info.localAddress, port.internalPort),
                    externalEnd: .init(gateway.info.externalAddress, port.externalPort), lease: nil)
                do throws(NATError) {
                    try await gateway.unmap(mapping)
                    released[port] = mapping
                } catch {
                    failures[port] = error
                }
            }
        }
        let codes = ports.map { port -> ExitCode in
            // What one protocol made the other may not remove: one of them is enough, unless the port is another's.
            if case .foreignMapping? = failures[port] { released[port] = nil }
            if let mapping = released[port] {
                console.output.emit(ReleasedRecord(mapping: mapping))
                return .ok
            }
            let failure = Failure(failures[port] ?? .deadline, target: "\(port)")
            console.report(failure)
            return failure.code
        }
        return .combined(codes)
    }

    /// Does something with each gateway. Throws what went wrong where it went well with none.
    private func each(_ body: (any PortGateway) async throws(NATError) -> Void) async throws(NATError) {
        var errors: [NATError] = []
        var isDone = false
        await search.run { found in
            do throws(NATError) {
                try await body(try found.get())
                isDone = true
            } catch {
                errors.append(error)
            }
            return true
        }
        guard isDone else { throw errors.count == 1 ? errors[0] : .all(errors) }
        for error in errors { console.diagnostics.note("\(error)") }
    }
}
