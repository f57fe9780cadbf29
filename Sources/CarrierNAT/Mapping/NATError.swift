public import CarrierWire

/// Why there is no gateway or no mapping. The text says what to do next.
public indirect enum NATError: Error, Hashable, Sendable {
    /// This machine has no way out: no default route.
    case noRoute
    /// No device answered the search.
    case noGateway(mapper: String)
    /// A device answered the search, but it is not the gateway of this machine.
    case foreignGateway(found: String, gateway: IPAddress)
    /// The gateway does not speak the protocol: it refused the port or the version.
    case unsupported(IPAddress, mapper: String)
    /// The gateway does not answer.
    case silent(IPAddress, mapper: String)
    /// The gateway said no. `code` and `name` are its own.
    case refused(IPAddress, code: Int, name: String, request: PortRequest?)
    /// The port belongs to somebody else (718); `owner` where the router tells.
    case conflict(IPAddress, request: PortRequest, owner: String?)
    /// The mapping that shall go is somebody else's.
    case foreignMapping(IPAddress, PortTransport, UInt16, owner: String)
    /// The gateway has no public address, so it maps nothing.
    case noPublicAddress(IPAddress, code: Int, name: String)
    /// The gateway said something that cannot be.
    case invalidAnswer(IPAddress, expected: String, got: String)
    /// The network or this machine failed.
    case network(String)
    /// The protocol cannot list the router's table.
    case cannotList(mapper: String)
    /// Time ran out.
    case deadline
    /// The caller does not want it any more.
    case cancelled
    /// Every mapper failed.
    case all([NATError])

    /// Whether a gateway was there and said no.
    public var isRefusal: Bool {
        switch self {
        case .refused, .conflict, .noPublicAddress, .foreignMapping: true
        case .all(let errors): errors.contains { $0.isRefusal }
        default: false
        }
    }

    /// Whether all that stands in the way is another NAT above the gateway.
    public var isSecondNAT: Bool {
        switch self {
        case .noPublicAddress: true
        case .all(let errors):
            errors.contains { $0.isSecondNAT } && errors.allSatisfy { $0.isSecondNAT || !$0.isRefusal }
        default: false
        }
    }

    /// Whether the gateway or the way to it is at fault, so that it must be looked for anew.
    var concernsTheWay: Bool {
        switch self {
        case .refused, .conflict, .noPublicAddress, .foreignMapping, .cannotList, .cancelled: false
        case .all(let errors): errors.allSatisfy { $0.concernsTheWay }
        default: true
        }
    }
}

extension NATError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noRoute: return "no gateway: this machine has no default route; name a router with --gateway"
        case .noGateway(let mapper):
            return "no gateway: no router answered the \(mapper) search; is port mapping switched on in the router?"
        case .foreignGateway(let found, let gateway):
            return "\(found) offers to map ports, but the gateway is \(gateway); to accept it, name it with --gateway"
        case .unsupported(let gateway, let mapper):
            return "gateway \(gateway) does not offer \(mapper); switch it on in the router"
        case .silent(let gateway, let mapper): return "gateway \(gateway) does not answer \(mapper) requests"
        case .refused(let gateway, let code, let name, let request):
            return "gateway \(gateway) refused\(Self.port(of: request)): \(code) \(name)\(Self.hint(code, request))"
        case .conflict(let gateway, let request, let owner):
            let whose = owner.map { " belongs to \($0)" } ?? " is taken"
            return "gateway \(gateway) refused\(Self.port(of: request)): 718 ConflictInMappingEntry: it\(whose); "
                + "ask for another, like \(request.internalPort):\(request.externalPort ^ 1)/\(request.transport)"
        case .foreignMapping(let gateway, let transport, let port, let owner):
            return "external port \(port)/\(transport) of gateway \(gateway) belongs to \(owner), left as it is"
        case .noPublicAddress(let gateway, let code, let name):
            return "gateway \(gateway) has no public address (\(code) \(name)): another NAT stands above it, "
                + "or its line is down; map the port there, or use a relay"
        case .invalidAnswer(let gateway, let expected, let got):
            return "gateway \(gateway) gave an answer that cannot be: expected \(expected), got \(got)"
        case .network(let what): return what
        case .cannotList(let mapper): return "\(mapper) cannot list the router's mappings; try --protocol upnp"
        case .deadline: return "the gateway took too long"
        case .cancelled: return "stopped"
        case .all(let errors):
            var texts: [String] = []
            for error in errors where !texts.contains("\(error)") { texts.append("\(error)") }
            return texts.isEmpty ? "no mapper was asked" : texts.joined(separator: " · ")
        }
    }

    private static func port(of request: PortRequest?) -> String {
        request.map { " external port \($0.externalPort)/\($0.transport)" } ?? ""
    }

    private static func hint(_ code: Int, _ request: PortRequest?) -> String {
        guard let request else { return "" }
        if request.externalPort < 1024 {
            return "; many routers keep ports below 1024 for themselves: ask for a higher one, "
                + "like \(request.internalPort):\(request.externalPort &+ 8000)/\(request.transport)"
        }
        return code == 606 || code == 2 ? "; the router's settings forbid port mapping" : ""
    }
}
