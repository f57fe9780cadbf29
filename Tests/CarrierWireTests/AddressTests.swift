import CarrierCrypto
import CarrierTesting
import CarrierWire
import Testing

@Suite("Addresses")
struct AddressTests {
    @Test("What is printed is read back", arguments: UInt64(0)..<300)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let hosts = [
            "localhost", "node-1.example.org", "a", "127.0.0.1", "::", "::1", "2001:db8::7", "fe80::1%eth0",
            IPAddress.v4(random.integer()).description,
            IPAddress.v6(high: random.next(), low: random.next()).description,
        ]
        let address = Address(
            scheme: [.tcp, .udp, .quic, Address.Scheme("ws2")][random.int(0...3)],
            peer: random.int(0...1) == 0 ? nil : PeerID(random.bytes32()),
            host: hosts[random.int(0...(hosts.count - 1))], port: random.integer())
        #expect(try Address(address.description) == address)
    }

    @Test("The parts of an address")
    func parts() throws {
        let id = String(repeating: "ab", count: 32)
        let address = try Address("quic://\(id.uppercased())@[2001:db8::1]:65535")
        #expect(address.scheme == .quic && address.peer?.description == id && address.port == 65535)
        #expect(address.host == "2001:db8::1" && address.ip == IPAddress("2001:db8::1"))
        #expect(address.description == "quic://\(id)@[2001:db8::1]:65535")
        #expect(address.pinned(to: nil).description == "quic://[2001:db8::1]:65535")
        #expect(try Address("tcp://example.org:0").ip == nil)
        #expect(try Address("tcp://[::ffff:1.2.3.4]:5").ip == .v4(0x0102_0304))
    }

    @Test(
        "What is no address is refused, and the error says what was expected",
        arguments: [
            "", "tcp", "://", "://a:1", "tcp:/a:1", "tcp//a:1", "TCP://a:1", "t-p://a:1", "tcp://", "tcp://a",
            "tcp://a:",
            "tcp://:1", "tcp://a:65536", "tcp://a:-1", "tcp://a:+1", "tcp://a: 1", "tcp://a:1 ", "tcp://a:1/",
            "tcp://a:0x1",
            "tcp://a:1\n", "tcp://a:99999999999999999999", "tcp://::1:80", "tcp://[::1]", "tcp://[::1]80", "tcp://[]:1",
            "tcp://[1.2.3.4]:1", "tcp://[::1:1", "tcp://::1]:1", "tcp://[::1%]:1", "tcp://[::1%a b]:1",
            "tcp://[::1%a\n]:1",
            "tcp://[::1%a]]:1", "tcp://[::g]:1", "tcp://[::1\u{0}]:1", "tcp://a b:1", "tcp://a/b:1", "tcp://a?b:1",
            "tcp://a%b:1", "tcp://ä:1", "tcp://a\u{0}:1", "tcp://@a:1", "tcp://abcd@a:1", "tcp://a@b@c:1",
            "tcp://\(String(repeating: "g", count: 64))@a:1", "tcp://\(String(repeating: "a", count: 63))@a:1",
            "tcp://a:١", "tcp:/\u{301}/a:1", "tcp://a\u{301}:1", "tcp://a:\u{301}1",
        ])
    func rejects(text: String) {
        let error = #expect(throws: AddressError.self, "\(text)") { try Address(text) }
        #expect(error?.description.hasPrefix("expected ") == true)
    }

    @Test("Garbage never traps, and what passes prints and reads the same", arguments: UInt64(0)..<500)
    func garbage(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let alphabet: [Character] = [
            "t", "c", "p", ":", "/", "@", "[", "]", "%", ".", "1", "a", "0", "é", "\r\n", "\u{301}",
        ]
        let start = random.int(0...1) == 0 ? "tcp://" : ""
        let text = start + String((0..<random.int(0...20)).map { _ in alphabet[random.int(0...(alphabet.count - 1))] })
        guard let address = try? Address(text) else { return }
        #expect(try Address(address.description) == address)
    }

    @Test(
        "Which scope an IP address has",
        arguments: [
            ("0.0.0.0", IPAddress.Scope.unusable), ("0.1.2.3", .unusable), ("127.0.0.1", .loopback),
            ("127.255.255.255", .loopback), ("10.0.0.1", .privateNetwork), ("172.16.0.1", .privateNetwork),
            ("172.31.255.255", .privateNetwork), ("172.32.0.1", .global), ("172.15.255.255", .global),
            ("192.168.1.1", .privateNetwork), ("192.169.0.1", .global), ("100.64.0.1", .privateNetwork),
            ("100.127.255.255", .privateNetwork), ("100.128.0.1", .global), ("169.254.1.1", .linkLocal),
            ("224.0.0.1", .unusable), ("239.255.255.255", .unusable), ("240.0.0.1", .unusable),
            ("255.255.255.255", .unusable), ("8.8.8.8", .global), ("223.255.255.255", .global), ("::", .unusable),
            ("::1", .loopback), ("::2", .unusable), ("::ffff:127.0.0.1", .loopback),
            ("::ffff:10.0.0.1", .privateNetwork),
            ("::ffff:8.8.8.8", .global), ("fe80::1", .linkLocal), ("febf::1", .linkLocal), ("fec0::1", .privateNetwork),
            ("fc00::1", .privateNetwork), ("fdff::1", .privateNetwork), ("ff02::1", .unusable), ("ff0e::1", .unusable),
            ("2606:4700::1", .global), ("64:ff9b::8.8.8.8", .global), ("64:ff9b::127.0.0.1", .loopback),
            ("64:ff9b::10.1.2.3", .privateNetwork), ("2002:7f00:1::", .loopback), ("2002:0808:0808::1", .global),
        ])
    func scopes(text: String, scope: IPAddress.Scope) throws {
        #expect(try #require(IPAddress(text)).scope == scope)
    }

    @Test("IP addresses are read as they are printed", arguments: UInt64(0)..<200)
    func ipRoundTrip(seed: UInt64) {
        var random = SeededRandom(seed)
        for address in [
            IPAddress.v4(random.integer()),
            .v6(high: random.next() & 0xffff << UInt64(random.int(0...48)), low: random.next() | 1 << 63),
        ] {
            #expect(IPAddress(address.description) == address)
        }
    }

    @Test(
        "What is no IP address is none",
        arguments: [
            "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "01.2.3.4", ":::", "1::2::3", "g::",
            "::1%lo",
            "[::1]", "127.0.0.1\u{0}.example.org", "::1\u{0}", "1.2.3.4\n", "١.2.3.4",
        ])
    func noIP(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("Neighbours share a subnet, customers a site")
    func networks() throws {
        #expect(IPAddress("10.1.2.3")?.subnet == IPAddress("10.1.2.0"))
        #expect(IPAddress("10.1.2.3")?.site == IPAddress("10.1.2.3"))
        #expect(IPAddress("2001:db8:1:2:3::4")?.subnet == IPAddress("2001:db8:1::"))
        #expect(IPAddress("2001:db8:1:2ff:3::4")?.site == IPAddress("2001:db8:1:200::"))
    }
}
