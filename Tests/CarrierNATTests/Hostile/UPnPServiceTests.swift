import Testing

@testable import CarrierNAT

@Suite("Row 35: device descriptions")
struct UPnPServiceTests {
    static func description(control: String, type: String = "urn:schemas-upnp-org:service:WANIPConnection:1") -> String
    {
        """
        <?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>
        <deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><deviceList><device><deviceList><device>
        <serviceList><service><serviceType>\(type)</serviceType><controlURL>\(control)</controlURL>
        <eventSubURL>/e</eventSubURL><SCPDURL>/s</SCPDURL></service></serviceList>
        </device></deviceList></device></deviceList></device></root>
        """
    }

    func read(_ text: String) throws(NATError) -> [UPnPService] {
        guard let url = HTTPURL("http://192.168.1.1:5000/root.xml") else { return [] }
        return try UPnPService.read(Array(text.utf8), from: url)
    }

    @Test func relativeAndAbsoluteControlURLsOfTheGatewayAreTaken() throws {
        #expect(try read(Self.description(control: "/ctl")).map(\.control) == ["http://192.168.1.1:5000/ctl"])
        #expect(
            try read(Self.description(control: "http://192.168.1.1:81/c")).map(\.control) == ["http://192.168.1.1:81/c"]
        )
    }

    @Test func bothVersionsAndPPPAreServices() throws {
        for type in ["WANIPConnection:1", "WANIPConnection:2", "WANPPPConnection:1"] {
            let full = "urn:schemas-upnp-org:service:\(type)"
            #expect(try read(Self.description(control: "/c", type: full)).map(\.type) == [full])
        }
        #expect(try read(Self.description(control: "/c", type: "urn:schemas-upnp-org:service:Printer:1")) == [])
    }

    @Test(arguments: ["http://10.0.0.9/ctl", "http://evil.example/ctl"])
    func aControlURLElsewhereIsRefused(_ control: String) {
        #expect {
            try read(Self.description(control: control))
        } throws: { error in
            guard case .invalidAnswer(_, "a control URL on the gateway itself", _) = error as? NATError else {
                return false
            }
            return true
        }
    }

    @Test func aBaseURLElsewhereIsRefused() {
        let text = Self.description(control: "/ctl")
            .split(separator: "<device>", maxSplits: 1).joined(separator: "<URLBase>http://10.0.0.9/</URLBase><device>")
        #expect(throws: NATError.self) { try read(text) }
    }

    @Test func deepXMLIsRefused() {
        let deep = String(repeating: "<a>", count: 100_000)
        #expect(throws: NATError.self) { try read(deep) }
        #expect(throws: NATError.self) { try read(deep + Self.description(control: "/ctl")) }
    }

    @Test func brokenXMLNeverTrapsAndNamesNoService() {
        for text in ["", "<", "<>", "a", "<a", "</a></b>", "<![CDATA[", "<!--", "<a b='", "<a b=\"\u{0}\">", "<?xml"] {
            #expect((try? read(text)) ?? [] == [])
        }
    }

    @Test func everyPrefixAndManyMutationsOfADescriptionAreRead() {
        let good = Array(Self.description(control: "/ctl").utf8)
        guard let url = HTTPURL("http://192.168.1.1:5000/root.xml") else { return }
        for length in 0..<good.count { _ = try? UPnPService.read(Array(good.prefix(length)), from: url) }
        var state: UInt64 = 0x9e37_79b9
        for _ in 0..<5000 {
            var bytes = good
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 24)
            }
            _ = try? UPnPService.read(bytes, from: url)
        }
    }

    @Test func overlongNamesStayWithinTheirFields() throws {
        let long = String(repeating: "x", count: 50_000)
        _ = try? read(Self.description(control: "/" + long))
        _ = try? read(Self.description(control: "/ctl", type: long))
        _ = try? read("<\(long)>\(long)</\(long)>")
    }
}
