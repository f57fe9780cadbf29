import CarrierCrypto
import CarrierProtocols
import CarrierWire
import Testing

@Suite struct DiscoveryReachTests {
    func usable(_ addresses: [String], toldAt reach: Reach) throws -> [String] {
        let member = try #require(Cast.member(1, addresses: addresses))
        return member.record.dialable(toldAt: reach).map { $0.pinned(to: nil).description }
    }

    @Test(
        "row 26: what must never be dialled is not, whoever tells it",
        arguments: [
            "tcp://0.0.0.0:4000", "tcp://[::]:4000", "tcp://224.0.0.1:4000", "tcp://255.255.255.255:4000",
            "tcp://169.254.1.1:4000", "tcp://[fe80::1]:4000", "tcp://[ff02::1]:4000", "tcp://8.8.8.8:0", "nonsense",
            "tcp://name.example:4000", "tcp://[::ffff:0.0.0.0]:4000",
        ])
    func poison(address: String) throws {
        for reach in [Reach.loopback, .site, .internet] { #expect(try usable([address], toldAt: reach) == []) }
    }

    @Test(
        "row 26: a name that is no name, or is this machine's own, is not believed from afar",
        arguments: [
            "tcp://localhost:22", "tcp://a.LocalHost:22", "tcp://127.1:22", "tcp://0x7f000001:22",
            "tcp://2130706433:22",
            "tcp://[::1%lo]:22", "tcp://[fe80::1%lo]:22",
        ])
    func names(address: String) throws {
        let member = try #require(Cast.member(1, addresses: [address, "tcp://name.example:4000"]))
        let usable = member.record.usable(toldAt: .internet).map { $0.pinned(to: nil).description }
        #expect(usable == ["tcp://name.example:4000"])
    }

    @Test("row 26: nobody is told of a narrower place than where the teller stands")
    func narrowerPlaces() throws {
        let all = ["tcp://127.0.0.1:1", "tcp://192.168.0.1:2", "tcp://[fd00::1]:3", "tcp://9.9.9.9:4"]
        #expect(try usable(all, toldAt: .loopback) == all)
        #expect(try usable(all, toldAt: .site) == Array(all.dropFirst()))
        #expect(try usable(all, toldAt: .internet) == ["tcp://9.9.9.9:4"])
    }

    @Test("where a link leads says where its peer stands")
    func linkReach() throws {
        #expect(Reach(linkTo: try Address("tcp://127.0.0.1:1")) == .loopback)
        #expect(Reach(linkTo: try Address("tcp://localhost:1")) == .loopback)
        #expect(Reach(linkTo: try Address("tcp://10.1.1.1:1")) == .site)
        #expect(Reach(linkTo: try Address("tcp://9.9.9.9:1")) == .internet)
        #expect(Reach(linkTo: try Address("tcp://name.example:1")) == .internet)
    }
}
