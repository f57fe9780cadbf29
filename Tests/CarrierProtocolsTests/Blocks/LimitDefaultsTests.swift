import CarrierProtocols
import CarrierWire
import Testing

/// The defaults that the table of limits promises; those of connections are compared with `listen --stats`.
@Suite("Limits of the building blocks")
struct LimitDefaultsTests {
    @Test("lookups: 3 s a query, 30 s in all, 20 answers a second and 40 at once")
    func lookups() {
        let (options, discovery) = (LookupOptions(), DiscoveryConfiguration())
        #expect(options.k == 16 && options.queryTimeout == .seconds(3) && options.timeout == .seconds(30))
        #expect(discovery.answers == TokenBucket.Rate(perSecond: 20, burst: 40))
    }

    @Test("routing table: 16 a bucket, 80 siblings, 2 and 10 of a subnet, 10 replacements, 5 failures")
    func table() {
        let limits = RoutingTable.Limits()
        #expect(limits.bucketSize == 16 && limits.siblings == 80 && limits.replacements == 10 && limits.failures == 5)
        #expect(limits.subnetInBucket == 2 && limits.subnetInTable == 10)
    }

    @Test("broadcasts: 2 min, 65 536 ids, 16 MiB, 20 a second and 100 at once of an origin")
    func broadcasts() {
        let limits = BroadcastConfiguration()
        #expect(limits.ageLimit == .seconds(120) && limits.idLimit == 65_536 && limits.bodyLimit == 16 << 20)
        #expect(limits.originRate == TokenBucket.Rate(perSecond: 20, burst: 100))
    }

    @Test("reconnecting: three attempts, 1 s to 16 s, ±5 %")
    func reconnect() {
        let limits = Reconnect.Configuration()
        let pauses = limits.backOff
        #expect(limits.attempts == 3 && pauses.firstPause == .seconds(1) && pauses.lastPause == .seconds(16))
        #expect(pauses.jitter == 0.05)
    }

    @Test("relay: 128 doors, 4 of a node, 16 connections at a door, 1 h")
    func relay() {
        let limits = RelayServer.Configuration()
        #expect(limits.doors == 128 && limits.doorsPerNode == 4 && limits.circuits == 16)
        #expect(limits.circuitTime == .seconds(3600))
    }

    @Test("datagrams: 32 half-open, 16 of them unproved, 10 s, sent again after 250 ms; 1200 bytes")
    func datagrams() {
        let limits = DatagramEndpoint.Limits()
        #expect(limits.halfOpen == 32 && limits.unproved == 16 && limits.deadline == .seconds(10))
        #expect(limits.firstRepeat == .milliseconds(250) && Datagram.sizeLimit == 1200)
    }

    @Test("handshake messages of 4 KiB")
    func handshake() { #expect(StreamHandshake.messageLimit == 4096) }
}
