internal import CarrierWire

/// The actions of a mapping service, answers checked. Blocks; belongs to one thread.
struct UPnPCalls {
    let service: UPnPService
    let gateway: IPAddress
    let local: IPAddress
    let patience: Patience

    init(service: UPnPService, gateway: IPAddress, local: IPAddress, _ patience: Patience) {
        self.service = service
        self.gateway = gateway
        self.local = local
        self.patience = patience
    }

    /// The codes of WANIPConnection that need something done; the library knows the names of all.
    private enum Code {
        static let actionFailed = 501
        static let indexInvalid = 713
        static let noSuchEntry = 714
        static let conflict = 718
        static let onlyPermanentLeases = 725
    }

    /// The router's address on the other side; nil where it has none.
    func externalAddress() throws(NATError) -> IPAddress? {
        switch try call("GetExternalIPAddress", [:], ["NewExternalIPAddress"]) {
        case .error: return nil
        case .values(let values):
            let text = values["NewExternalIPAddress"] ?? ""
            if text.isEmpty { return nil }
            guard let address = IPAddress(text) else {
                throw .invalidAnswer(gateway, expected: "an external address", got: text)
            }
            return try .external(address, from: gateway)
        }
    }

    /// Maps, reads back what was granted, and returns it without the external address.
    func map(_ request: PortRequest) throws(NATError) -> PortMapping {
        var candidates = [request.externalPort]
        if request.mayMove {
            // The wish first, then a few others above the ports that routers keep for themselves.
            candidates += (1...4).map { 1024 + (request.externalPort &+ UInt16($0) &* 7919) % (65535 - 1024) }
        }
        var conflict: NATError?
        for port in candidates {
            var attempt = request
            attempt.externalPort = port
            do throws(NATError) {
                return try mapExactly(attempt)
            } catch .conflict(_, _, let owner) {
                conflict = conflict ?? .conflict(gateway, request: request, owner: owner)
            }
        }
        throw conflict ?? .deadline
    }

    private func mapExactly(_ request: PortRequest) throws(NATError) -> PortMapping {
        var lease = request.leaseSeconds
        var isCleared = false
        while true {
            guard case .error(let code, let name) = try add(request, lease) else { break }
            switch code {
            case Code.onlyPermanentLeases where lease > 0:
                lease = 0
            case Code.conflict where !isCleared:
                // Some routers refuse to renew; what is ours may be made anew.
                let entry = try entry(request.externalPort, request.transport)
                guard entry.leads(to: local, request.internalPort) else {
                    throw .conflict(gateway, request: request, owner: entry.client)
                }
                isCleared = true
                _ = try delete(request.externalPort, request.transport)
            case Code.conflict: throw .conflict(gateway, request: request, owner: nil)
            case Code.actionFailed where try externalAddress()?.scope != .global:
                throw .noPublicAddress(gateway, code: code, name: name)
            default: throw .refused(gateway, code: code, name: name, request: request)
            }
        }
        return try readBack(request, asked: lease)
    }

    /// What the router noted. A router that cannot say is believed.
    private func readBack(_ request: PortRequest, asked: UInt32) throws(NATError) -> PortMapping {
        var granted = asked
        switch try entry(request.externalPort, request.transport) {
        case .unknown: break
        case .absent:
            throw .invalidAnswer(gateway, expected: "the mapping that it granted", got: "714 NoSuchEntryInArray")
        case .of(let client, let port, let lease):
            guard client == "\(local)", port == request.internalPort else {
                throw .invalidAnswer(
                    gateway,
                    expected: "external port \(request.externalPort) mapped to \(local):\(request.internalPort)",
                    got: "mapped to \(client):\(port)")
            }
            // Some seconds may have passed: the lease is then the one that was asked for.
            granted = asked > 0 && lease <= asked && asked - lease <= 2 ? asked : lease
        }
        return PortMapping(
            mapper: UPnPMapper.name, transport: request.transport, internalEnd: .init(local, request.internalPort),
            externalEnd: .init(nil, request.externalPort), lease: granted == 0 ? nil : .seconds(Int64(granted)))
    }

    /// Removes the mapping if it is this machine's.
    func unmap(_ mapping: PortMapping) throws(NATError) {
        switch try entry(mapping.externalEnd.port, mapping.transport) {
        case .absent: return
        case .of(let client, _, _) where client != "\(local)":
            throw .foreignMapping(gateway, mapping.transport, mapping.externalEnd.port, owner: client)
        case .of, .unknown: break
        }
        if case .error(let code, let name) = try delete(mapping.externalEnd.port, mapping.transport),
            code != Code.noSuchEntry
        {
            let request = PortRequest(
                mapping.transport, mapping.internalEnd.port, externalPort: mapping.externalEnd.port)
            throw .refused(gateway, code: code, name: name, request: request)
        }
    }

    /// Whether the mapping is in the router's table, for this machine. A router that cannot say is taken to have it.
    func has(_ mapping: PortMapping) throws(NATError) -> Bool {
        let entry = try entry(mapping.externalEnd.port, mapping.transport)
        return entry == .unknown || entry.leads(to: local, mapping.internalEnd.port)
    }

    /// The router's table, its first thousand lines.
    func list(externalAddress: IPAddress?) throws(NATError) -> [ListedMapping] {
        var lines: [ListedMapping] = []
        for index in 0..<1000 {
            let outcome = try call(
                "GetGenericPortMappingEntry", ["NewPortMappingIndex": "\(index)"],
                [
                    "NewExternalPort", "NewProtocol", "NewInternalPort", "NewInternalClient", "NewLeaseDuration",
                    "NewPortMappingDescription",
                ])
            guard case .values(let values) = outcome else {
                // Most routers end the table with 713; some with another word.
                if index == 0, case .error(let code, let name) = outcome,
                    ![Code.indexInvalid, Code.noSuchEntry].contains(code)
                {
                    throw .refused(gateway, code: code, name: name, request: nil)
                }
                return lines
            }
            guard let transport = PortTransport(rawValue: (values["NewProtocol"] ?? "").lowercased()),
                let externalPort = UInt16(values["NewExternalPort"] ?? ""),
                let internalPort = UInt16(values["NewInternalPort"] ?? ""),
                let client = IPAddress(values["NewInternalClient"] ?? "")
            else {
                throw .invalidAnswer(gateway, expected: "a mapping", got: "\(values)")
            }
            let lease = UInt32(values["NewLeaseDuration"] ?? "") ?? 0
            lines.append(
                ListedMapping(
                    PortMapping(
                        mapper: UPnPMapper.name, transport: transport, internalEnd: .init(client, internalPort),
                        externalEnd: .init(externalAddress, externalPort),
                        lease: lease == 0 ? nil : .seconds(Int64(lease))),
                    note: values["NewPortMappingDescription"] ?? ""))
        }
        return lines
    }

    // MARK: Actions

    private func add(_ request: PortRequest, _ lease: UInt32) throws(NATError) -> SOAPCall.Outcome {
        try call(
            "AddPortMapping",
            [
                "NewRemoteHost": "", "NewExternalPort": "\(request.externalPort)",
                "NewProtocol": request.transport.rawValue.uppercased(), "NewInternalPort": "\(request.internalPort)",
                "NewInternalClient": "\(local)", "NewEnabled": "1", "NewPortMappingDescription": "carrier",
                "NewLeaseDuration": "\(lease)",
            ])
    }

    private func delete(_ port: UInt16, _ transport: PortTransport) throws(NATError) -> SOAPCall.Outcome {
        try call(
            "DeletePortMapping",
            ["NewRemoteHost": "", "NewExternalPort": "\(port)", "NewProtocol": transport.rawValue.uppercased()])
    }

    /// Whom an external port belongs to.
    private enum Entry: Equatable {
        /// The router does not know the question.
        case unknown
        case absent
        case of(client: String, port: UInt16, lease: UInt32)

        var client: String? {
            if case .of(let client, _, _) = self { client } else { nil }
        }

        func leads(to address: IPAddress, _ wanted: UInt16) -> Bool {
            if case .of(let client, let port, _) = self { client == "\(address)" && port == wanted } else { false }
        }
    }

    private func entry(_ port: UInt16, _ transport: PortTransport) throws(NATError) -> Entry {
        let outcome = try call(
            "GetSpecificPortMappingEntry",
            ["NewRemoteHost": "", "NewExternalPort": "\(port)", "NewProtocol": transport.rawValue.uppercased()],
            ["NewInternalClient", "NewInternalPort", "NewLeaseDuration"])
        switch outcome {
        case .error(let code, _): return code == Code.noSuchEntry ? .absent : .unknown
        case .values(let values):
            let client = values["NewInternalClient"] ?? ""
            let text = values["NewInternalPort"] ?? ""
            guard let port = UInt16(text), port > 0, IPAddress(client) != nil else {
                throw .invalidAnswer(gateway, expected: "a mapping's internal end", got: "\(client):\(text)")
            }
            return .of(client: client, port: port, lease: UInt32(values["NewLeaseDuration"] ?? "") ?? 0)
        }
    }

    private func call(
        _ action: String, _ arguments: KeyValuePairs<String, String>, _ results: [String] = []
    ) throws(NATError) -> SOAPCall.Outcome {
        try SOAPCall(service: service, action: action, arguments: arguments).run(results, patience)
    }
}
