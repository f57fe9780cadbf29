internal import CMiniUPnPc
public import CarrierWire
internal import Glibc

/// Maps ports with UPnP (Internet Gateway Device 1 and 2), over libminiupnpc.
public struct UPnPMapper: PortMapper {
    /// The router to accept; nil, the default, for the default route's. Devices elsewhere are not asked.
    public var gateway: IPAddress?
    /// How long a search may take, 4.5 s by default: a search is one or two seconds, the rest is for the router's answers.
    public var patience: Duration
    /// How long one call to the router may take, 4 s by default.
    public var callPatience: Duration

    /// Asks this router, by default whoever answers, so long at most.
    public init(
        gateway: IPAddress? = nil, patience: Duration = .milliseconds(4500), callPatience: Duration = .seconds(4)
    ) {
        self.gateway = gateway
        self.patience = patience
        self.callPatience = callPatience
    }

    public var name: String { Self.name }
    static let name = "upnp"

    public func find() async throws(NATError) -> any PortGateway {
        let wanted = gateway
        let callPatience = callPatience
        return try await onOwnThread(limit: patience) { patience throws(NATError) in
            let gateway: IPAddress
            if let wanted {
                gateway = wanted
            } else {
                gateway = try NATPMPSession(gateway: nil, mapper: Self.name).gateway
            }
            let local = try IPAddress.local(toward: gateway)
            return try Self.firstGateway(
                Self.discover(gateway, from: local, patience), gateway, local, patience, callPatience)
        }
    }

    /// The descriptions that devices on the gateway's own host announce.
    private static func discover(
        _ gateway: IPAddress, from local: IPAddress, _ patience: Patience
    ) throws(NATError) -> [HTTPURL] {
        var foreign: String?
        // A datagram may get lost: two searches. The library always waits a search's whole second.
        for _ in 0..<2 where !patience.isOver {
            var error: Int32 = 0
            let devices = carrier_upnp_discover(1000, "\(local)", &error)
            defer { freeUPNPDevlist(devices) }
            var urls: [HTTPURL] = []
            var device = devices
            while let here = device, urls.count < 4 {
                device = here.pointee.pNext
                guard let location = here.pointee.descURL else { continue }
                let text = String(cString: location)
                if let url = HTTPURL(text), url.host == gateway {
                    if !urls.contains(url) { urls.append(url) }
                } else {
                    foreign = foreign ?? String(text.prefix(128)).printable
                }
            }
            if !urls.isEmpty { return urls }
            if error == UPNPDISCOVER_SOCKET_ERROR { throw .network("UPnP: no search: \(lastError())") }
        }
        if let foreign { throw .foreignGateway(found: foreign, gateway: gateway) }
        throw .noGateway(mapper: "UPnP")
    }

    private static func firstGateway(
        _ urls: [HTTPURL], _ gateway: IPAddress, _ local: IPAddress, _ patience: Patience, _ callPatience: Duration
    ) throws(NATError) -> UPnPGateway {
        var failure = NATError.unsupported(gateway, mapper: "UPnP port mapping")
        for url in urls {
            do throws(NATError) {
                let (status, body) = try HTTPExchange(url: url).run(
                    """
                    GET \(url.path) HTTP/1.1\r
                    Host: \(url.host):\(url.port)\r
                    User-Agent: carrier UPnP/1.1\r
                    Connection: close\r
                    \r

                    """, patience)
                guard status == 200 else {
                    throw .invalidAnswer(gateway, expected: "a description at \(url)", got: "HTTP \(status)")
                }
                let services = try UPnPService.read(body, from: url)
                for service in services where services.count == 1 || Self.isConnected(service, patience) {
                    return try UPnPGateway(service, gateway, local, patience, callPatience)
                }
                if let service = services.first {
                    return try UPnPGateway(service, gateway, local, patience, callPatience)
                }
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func isConnected(_ service: UPnPService, _ patience: Patience) -> Bool {
        let call = SOAPCall(service: service, action: "GetStatusInfo", arguments: [:])
        guard case .values(let values)? = try? call.run(["NewConnectionStatus"], patience) else { return false }
        return values["NewConnectionStatus"] == "Connected"
    }
}
