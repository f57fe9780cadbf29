import CarrierWire
import Synchronization
import Testing

@testable import CarrierNAT

@Suite("Row 35: a UPnP gateway that answers as it likes")
struct UPnPGatewayTests {
    static let loopback = IPAddress.v4(0x7f00_0001)

    static func reply(_ action: String, _ values: KeyValuePairs<String, String> = [:]) -> FakeHTTPServer.Reply {
        let fields = values.map { "<\($0)>\($1)</\($0)>" }.joined()
        return .bytes(
            http(
                200,
                "<s:Envelope><s:Body><u:\(action)Response>\(fields)</u:\(action)Response></s:Body></s:Envelope>"))
    }

    static func error(_ code: Int) -> FakeHTTPServer.Reply {
        .bytes(
            http(
                500,
                "<s:Envelope><s:Body><s:Fault><detail><UPnPError><errorCode>\(code)</errorCode></UPnPError></detail>"
                    + "</s:Fault></s:Body></s:Envelope>"))
    }

    static func http(_ status: Int, _ body: String) -> String {
        "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func action(of request: String) -> String {
        String(request.split(separator: "#").dropFirst().first?.prefix { $0 != "\"" } ?? "")
    }

    /// A gateway whose answers to the external address and to reading back are good, the others as `other` says.
    static func server(
        external: String = "44.128.0.11", entry: FakeHTTPServer.Reply? = nil,
        _ other: @escaping @Sendable (String, String) -> FakeHTTPServer.Reply
    ) -> FakeHTTPServer {
        FakeHTTPServer { request in
            switch action(of: request) {
            case "GetExternalIPAddress": reply("GetExternalIPAddress", ["NewExternalIPAddress": external])
            case "GetSpecificPortMappingEntry":
                entry
                    ?? reply(
                        "GetSpecificPortMappingEntry",
                        ["NewInternalPort": "4000", "NewInternalClient": "127.0.0.1", "NewLeaseDuration": "3599"])
            case let action: other(action, request)
            }
        }
    }

    static func gateway(_ server: FakeHTTPServer, patience: Duration = .seconds(2)) throws -> UPnPGateway {
        try UPnPGateway(
            UPnPService(
                control: "http://127.0.0.1:\(server.port)/ctl", type: "urn:schemas-upnp-org:service:WANIPConnection:1"),
            loopback, loopback, Patience(.seconds(2)), patience)
    }

    @Test func aMappingIsAskedForAndReadBack() async throws {
        let server = Self.server { action, _ in Self.reply(action) }
        defer { server.stop() }
        let mapping = try await Self.gateway(server).map(PortRequest(.tcp, 4000))
        #expect(mapping.lease == .seconds(3600))
        #expect("\(mapping.externalEnd)" == "44.128.0.11:4000")
        let add = server.requests.first { $0.contains("#AddPortMapping") } ?? ""
        #expect(add.contains("<NewInternalClient>127.0.0.1</NewInternalClient>"))
        #expect(add.contains("<NewLeaseDuration>3600</NewLeaseDuration>"))
        #expect(add.contains("<NewProtocol>TCP</NewProtocol>"))
    }

    @Test func aShorterLeaseIsWhatCounts() async throws {
        let server = Self.server(
            entry: Self.reply(
                "GetSpecificPortMappingEntry",
                ["NewInternalPort": "4000", "NewInternalClient": "127.0.0.1", "NewLeaseDuration": "120"])
        ) { action, _ in Self.reply(action) }
        defer { server.stop() }
        #expect(try await Self.gateway(server).map(PortRequest(.tcp, 4000)).lease == .seconds(120))
    }

    @Test func aRouterThatOnlyKnowsPermanentLeasesGetsOne() async throws {
        let server = Self.server(
            entry: Self.reply(
                "GetSpecificPortMappingEntry",
                ["NewInternalPort": "4000", "NewInternalClient": "127.0.0.1", "NewLeaseDuration": "0"])
        ) { action, request in
            action == "AddPortMapping" && !request.contains("<NewLeaseDuration>0<")
                ? Self.error(725) : Self.reply(action)
        }
        defer { server.stop() }
        let gateway = try Self.gateway(server)
        let mapping = try await gateway.map(PortRequest(.tcp, 4000))
        #expect(mapping.lease == nil)
        try await gateway.unmap(mapping)
        #expect(server.requests.contains { $0.contains("#DeletePortMapping") })
    }

    @Test(arguments: [
        (718, "718 ConflictInMappingEntry"), (606, "606 ActionNotAuthorized"), (728, "728 NoPortMapsAvailable"),
    ])
    func aRefusalHasItsCodeAndName(_ code: Int, _ words: String) async throws {
        let server = Self.server(
            entry: Self.reply(
                "GetSpecificPortMappingEntry",
                ["NewInternalPort": "4000", "NewInternalClient": "192.168.1.9", "NewLeaseDuration": "0"])
        ) { _, _ in Self.error(code) }
        defer { server.stop() }
        let gateway = try Self.gateway(server)
        let error = await #expect(throws: NATError.self) { try await gateway.map(PortRequest(.tcp, 4000)) }
        #expect(error?.isRefusal == true)
        #expect("\(error.map(String.init(describing:)) ?? "")".contains(words))
        if code == 718 { #expect("\(error.map(String.init(describing:)) ?? "")".contains("192.168.1.9")) }
    }

    @Test func aConflictWithOurselvesIsMadeAnew() async throws {
        let deleted = Mutex(false)
        let server = Self.server { action, _ in
            if action == "DeletePortMapping" { deleted.withLock { $0 = true } }
            return action == "AddPortMapping" && !deleted.withLock({ $0 }) ? Self.error(718) : Self.reply(action)
        }
        defer { server.stop() }
        #expect(try await Self.gateway(server).map(PortRequest(.tcp, 4000)).externalEnd.port == 4000)
    }

    @Test func aYesThatIsNotInTheTableIsALie() async throws {
        for entry in [
            Self.error(714),
            Self.reply(
                "GetSpecificPortMappingEntry",
                ["NewInternalPort": "4000", "NewInternalClient": "192.168.1.9", "NewLeaseDuration": "3600"]),
            Self.reply(
                "GetSpecificPortMappingEntry",
                ["NewInternalPort": "0", "NewInternalClient": "127.0.0.1", "NewLeaseDuration": "3600"]),
        ] {
            let server = Self.server(entry: entry) { action, _ in Self.reply(action) }
            defer { server.stop() }
            let gateway = try Self.gateway(server)
            let error = await #expect(throws: NATError.self) { try await gateway.map(PortRequest(.tcp, 4000)) }
            guard case .invalidAnswer = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func removingWhatIsNotThereIsDone() async throws {
        let server = Self.server(entry: Self.error(714)) { _, _ in Self.error(714) }
        defer { server.stop() }
        let mapping = PortMapping(
            mapper: "upnp", transport: .tcp, internalEnd: .init(Self.loopback, 4000),
            externalEnd: .init(nil, 4000), lease: nil)
        try await Self.gateway(server).unmap(mapping)
    }

    @Test func whatBelongsToAnotherHostIsLeftAlone() async throws {
        let server = Self.server(
            entry: Self.reply(
                "GetSpecificPortMappingEntry",
                ["NewInternalPort": "4000", "NewInternalClient": "192.168.1.9", "NewLeaseDuration": "3600"])
        ) { action, _ in Self.reply(action) }
        defer { server.stop() }
        let mapping = PortMapping(
            mapper: "upnp", transport: .tcp, internalEnd: .init(Self.loopback, 4000),
            externalEnd: .init(nil, 4000), lease: nil)
        let gateway = try Self.gateway(server)
        let error = await #expect(throws: NATError.self) { try await gateway.unmap(mapping) }
        #expect(error == .foreignMapping(Self.loopback, .tcp, 4000, owner: "192.168.1.9"))
        #expect(!server.requests.contains { $0.contains("#DeletePortMapping") })
    }

    @Test(arguments: ["127.0.0.1", "224.0.0.1", "255.255.255.255", "169.254.1.1", "router.example", "999.1.1.1"])
    func anExternalAddressThatCannotBeIsRefused(_ address: String) {
        let server = Self.server(external: address) { action, _ in Self.reply(action) }
        defer { server.stop() }
        #expect(throws: NATError.self) { try Self.gateway(server) }
    }

    @Test(arguments: ["10.1.2.3", "100.64.0.11", "192.168.0.2"])
    func aPrivateExternalAddressIsToldApart(_ address: String) throws {
        let server = Self.server(external: address) { action, _ in Self.reply(action) }
        defer { server.stop() }
        #expect(try !Self.gateway(server).info.externalIsPublic)
    }

    @Test func hungEndlessAndDribblingAnswersEndInTime() async throws {
        let slow: [FakeHTTPServer.Reply] = [
            .hang, .endless("HTTP/1.1 200 OK\r\n\r\n<a></a>"), .endless("x"), .endless("HTTP/1.1 200 OK\r\nX: y\r\n"),
            .dribble("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + String(repeating: "<a></a>", count: 70)),
            .bytes("HTTP/1.1 200 OK\r\nContent-Length: 4294967295\r\n\r\n<a>"),
            .bytes(Self.http(200, String(repeating: "<a>", count: 30_000))),
        ]
        for reply in slow {
            let server = Self.server { _, _ in reply }
            defer { server.stop() }
            let gateway = try Self.gateway(server, patience: .milliseconds(600))
            let start = ContinuousClock.now
            await #expect(throws: NATError.self) { try await gateway.map(PortRequest(.tcp, 4000)) }
            #expect(start.duration(to: .now) < .seconds(4))
        }
    }

    @Test func aTableWithoutEndIsCut() async throws {
        let server = Self.server { action, _ in
            Self.reply(
                action,
                [
                    "NewExternalPort": "1", "NewProtocol": "TCP", "NewInternalPort": "1",
                    "NewInternalClient": "10.0.0.1", "NewPortMappingDescription": "a\u{1b}[31m",
                ])
        }
        defer { server.stop() }
        let lines = try await Self.gateway(server, patience: .seconds(20)).list()
        #expect(lines.count == 1000)
        #expect(lines.first?.note == "a?[31m")
    }
}
