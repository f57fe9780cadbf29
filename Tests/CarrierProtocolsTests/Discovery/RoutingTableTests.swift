import CarrierCrypto
import CarrierProtocols
import CarrierTesting
import CarrierWire
import NIOCore
import Testing

@Suite struct DiscoveryRoutingTableTests {
    let own = Cast.members[0]
    let others = Array(Cast.members.dropFirst())

    func table(_ change: (inout RoutingTable.Limits) -> Void = { _ in }) -> RoutingTable {
        var limits = RoutingTable.Limits()
        change(&limits)
        return RoutingTable(own: own.verified.nodeID, limits: limits)
    }

    func observe(
        _ table: inout RoutingTable, _ member: Cast.Member, _ provenance: RoutingTable.Provenance = .answered,
        ip: String = "127.0.0.1", at time: Double = 0
    ) -> RoutingTable.Outcome {
        table.observe(
            member.verified, provenance, at: IPAddress(ip), reach: .loopback, now: .seconds(time))
    }

    @Test("a table does what a plain list of its rules does", arguments: 0..<8)
    func agreesWithModel(seed: UInt64) {
        var random = SeededRandom(seed)
        var table = table {
            $0.siblings = 6
            $0.bucketSize = 3
            $0.replacements = 2
            $0.failures = 1
        }
        var model = PlainTable(own: own.verified.nodeID, siblingLimit: 6, bucketSize: 3, replacementLimit: 2)
        for step in 0..<600 {
            guard let member = others.randomElement(using: &random) else { continue }
            if Int.random(in: 0..<4, using: &random) == 0 {
                table.failed(member.verified.nodeID, now: .seconds(Double(step) * 2))
                model.remove(member.verified.nodeID)
            } else {
                _ = observe(&table, member, at: Double(step))
                model.see(member.verified.nodeID)
            }
            #expect(table.siblings.map(\.nodeID) == model.siblings)
            #expect(Set(table.contacts.map(\.nodeID)) == Set(model.all))
            #expect(table.count == model.all.count)
        }
        let target = NodeID(Bytes32(random: &random))
        let nearest = model.all.sorted { $0.distance(to: target) < $1.distance(to: target) }.prefix(5)
        #expect(table.closest(to: target, count: 5).map(\.nodeID) == Array(nearest))
    }

    @Test("row 30: a full bucket keeps its old contacts and names the oldest to be asked")
    func oldContactsStay() {
        var table = table { $0.siblings = 0 }
        let far = others.filter { own.verified.nodeID.bucket(of: $0.verified.nodeID) == 255 }
        for (index, member) in far.prefix(16).enumerated() {
            #expect(observe(&table, member, at: Double(index)) == .inserted)
        }
        #expect(observe(&table, far[16], at: 20) == .waiting(far[0].peer))
        // Whoever is heard of is not the oldest any more.
        #expect(observe(&table, far[0], at: 21) == .known)
        #expect(observe(&table, far[17], at: 22) == .waiting(far[1].peer))
        #expect(Set(table.contacts.map(\.peer)) == Set(far.prefix(16).map(\.peer)))
        // The latest that waits takes the place of one that is gone.
        table.remove(far[3].verified.nodeID)
        #expect(table.contact(far[17].verified.nodeID) != nil)
        #expect(table.contact(far[16].verified.nodeID) == nil)
    }

    @Test("row 28: at most two contacts of a subnet in a bucket and ten in the table, wherever the Sybils say they are")
    func diversityHolds() {
        var table = table()
        var inBucket: [Int: Int] = [:]
        for (index, member) in others.prefix(200).enumerated() {
            _ = observe(&table, member, ip: "203.0.113.\(index)")
        }
        for contact in table.contacts {
            inBucket[own.verified.nodeID.bucket(of: contact.nodeID) ?? -1, default: 0] += 1
        }
        #expect(table.count <= 10)
        #expect(table.count >= 8)
        #expect(inBucket.values.allSatisfy { $0 <= 2 })
        // An honest contact from elsewhere finds room.
        #expect(observe(&table, others[250], ip: "198.51.100.1") == .inserted)
        #expect(observe(&table, others[251], ip: "2001:db8::1") != .refused(.subnetInBucket))
    }

    @Test("loopback and private networks are exempt from the subnet limits")
    func exemptNetworks() {
        var table = table()
        for member in others.prefix(60) { #expect(observe(&table, member, ip: "192.168.1.7") == .inserted) }
        #expect(table.count == 60)
    }

    @Test("row 29: who asks us unbidden enters neither near us nor among the siblings before it has answered")
    func unsolicitedContacts() {
        var near = table { $0.nearBits = 256 }
        #expect(observe(&near, others[0], .asked) == .refused(.tooNear))
        #expect(observe(&near, others[0], .answered) == .inserted)
        var table = table { $0.siblings = 4 }
        #expect(observe(&table, others[0], .asked) == .unproven)
        #expect(table.count == 0)
        for member in others.prefix(100) { _ = observe(&table, member) }
        let far = others.dropFirst(100).first { member in
            own.verified.nodeID.bucket(of: member.verified.nodeID) == 253
                && !table.wouldBeSibling(member.verified.nodeID)
        }
        if let far {
            let outcome = observe(&table, far, .asked)
            #expect(outcome != .unproven && outcome != .refused(.tooNear))
        }
    }

    @Test("neither this node nor a client has a place, and a contact that became a client loses its own")
    func clientsStayOut() throws {
        var table = table()
        #expect(observe(&table, own) == .refused(.ourselves))
        let client = try #require(Cast.member(5, addresses: [], sequence: 9))
        #expect(observe(&table, client) == .refused(.client))
        let before = try #require(Cast.member(5))
        #expect(observe(&table, before) == .inserted)
        #expect(observe(&table, client) == .refused(.client))
        #expect(table.count == 0)
    }

    @Test("a contact goes after five failures; many within one second count once; an answer forgives")
    func failures() {
        var table = table()
        let node = others[0].verified.nodeID
        _ = observe(&table, others[0])
        for _ in 0..<20 {
            let isGone = table.failed(node, now: .seconds(1))
            #expect(!isGone)
        }
        #expect(table.contact(node)?.isSuspect == true)
        #expect(table.closest(to: node, count: 1).isEmpty)
        #expect(table.closest(to: node, count: 1, includingSuspects: true).count == 1)
        _ = observe(&table, others[0], at: 2)
        #expect(table.contact(node)?.isSuspect == false)
        for second in 3..<7 {
            let isGone = table.failed(node, now: .seconds(Double(second)))
            #expect(!isGone)
        }
        let isGone = table.failed(node, now: .seconds(7))
        #expect(isGone)
        #expect(table.contact(node) == nil)
    }

    @Test("asking does not clear a suspect: one that asks and never answers goes")
    func askingIsNoAnswer() {
        var table = table()
        let node = others[0].verified.nodeID
        _ = observe(&table, others[0])
        for second in 1...5 {
            #expect(table.contact(node) != nil)
            table.failed(node, now: .seconds(Double(second) * 2))
            if second < 5 { #expect(observe(&table, others[0], .asked, at: Double(second) * 2 + 1) == .known) }
        }
        #expect(table.contact(node) == nil)
    }

    @Test("the newer record wins, the older one changes nothing")
    func newestRecord() throws {
        var table = table()
        let old = try #require(Cast.member(7, sequence: 5))
        let new = try #require(Cast.member(7, addresses: ["tcp://127.0.0.1:9"], sequence: 6))
        _ = observe(&table, new)
        _ = observe(&table, old)
        #expect(table.contact(new.verified.nodeID)?.record == new.record)
    }

    @Test("a place by chance lies in its bucket", arguments: [0, 1, 7, 8, 9, 100, 254, 255])
    func randomIDs(bucket: Int) {
        var random = SeededRandom(3)
        for _ in 0..<20 {
            let id = table().randomID(inBucket: bucket, using: &random)
            #expect(own.verified.nodeID.bucket(of: id) == bucket)
        }
    }

    // MARK: State

    func saved(_ count: Int) -> ByteBuffer {
        var table = table()
        for member in others.prefix(count) { _ = observe(&table, member) }
        return table.saved()
    }

    @Test("a saved table comes back, its contacts as suspects until they answer")
    func stateComesBack() {
        var restored = table()
        let outcome = restored.restore(saved(50), Cast.verifier, now: .seconds(0))
        #expect(outcome.contacts == 50 && outcome.damagedBytes == 0)
        #expect(restored.contacts.allSatisfy { $0.isSuspect })
        _ = observe(&restored, others[0])
        #expect(restored.closest(to: own.verified.nodeID, count: 80).count == 1)
    }

    @Test("a run in which nobody answers, as without a network, costs no contact")
    func stateSurvivesSilence() {
        var restored = table()
        _ = restored.restore(saved(50), Cast.verifier, now: .seconds(0))
        for contact in restored.contacts { restored.failed(contact.nodeID, now: .seconds(10)) }
        var again = table()
        #expect(again.restore(restored.saved(), Cast.verifier, now: .seconds(20)).contacts == 50)
    }

    @Test("damage costs the contact that it hits and no other", arguments: 0..<60)
    func damageIsLocal(seed: UInt64) {
        var random = SeededRandom(seed)
        var bytes = saved(10)
        let size = bytes.readableBytes
        switch seed % 3 {
        case 0:
            let place = Int.random(in: 0..<size, using: &random)
            bytes.setInteger((bytes.getInteger(at: place, as: UInt8.self) ?? 0) ^ 0x40, at: place)
        case 1: bytes = bytes.getSlice(at: 0, length: size - Int.random(in: 1..<20, using: &random)) ?? ByteBuffer()
        default:
            var longer = ByteBuffer(bytes: (0..<33).map { _ in UInt8.random(in: 0...255, using: &random) })
            longer.writeImmutableBuffer(bytes)
            bytes = longer
        }
        var restored = table()
        let outcome = restored.restore(bytes, Cast.verifier, now: .seconds(0))
        #expect(outcome.contacts >= 9)
        #expect(outcome.damagedBytes > 0)
    }

    @Test("a record with a sound checksum and a forged signature is left out")
    func forgedStateIsRefused() throws {
        var reader = Reader(ByteBuffer(bytes: saved(1).readableBytesView.dropFirst(15)))
        let record = try PeerRecord(from: &reader)
        #expect(record.isSignatureValid)
        var body = Writer()
        body.u8(0)
        record.write(to: &body)
        // Another nonce under the same signature, with the checksum made to fit.
        body.buffer.setInteger(UInt64(1), at: 40)
        var file = Writer()
        file.raw(Array("CREC".utf8))
        file.u16(UInt16(body.buffer.readableBytes))
        file.raw(body.buffer.withUnsafeReadableBytes { SHA256.hash($0) }.array.prefix(8))
        file.raw(body.buffer)
        var restored = table()
        let outcome = restored.restore(file.buffer, Cast.verifier, now: .seconds(0))
        #expect(outcome.contacts == 0 && outcome.damagedBytes > 0)
    }

    @Test("garbage restores nothing and harms nothing", arguments: 0..<20)
    func garbageState(seed: UInt64) {
        var random = SeededRandom(seed)
        var bytes = (0..<2000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for place in stride(from: 0, to: 1990, by: 97) { bytes.replaceSubrange(place..<place + 4, with: "CREC".utf8) }
        var restored = table()
        let outcome = restored.restore(ByteBuffer(bytes: bytes), Cast.verifier, now: .seconds(0))
        #expect(outcome.contacts == 0)
    }
}

/// The rules of the table, written down once more as plainly as can be.
private struct PlainTable {
    let own: NodeID
    let siblingLimit: Int
    let bucketSize: Int
    let replacementLimit: Int
    var siblings: [NodeID] = []
    var buckets: [Int: [NodeID]] = [:]
    var waiting: [Int: [NodeID]] = [:]

    var all: [NodeID] { siblings + buckets.values.flatMap { $0 } }

    func sorted(_ nodes: [NodeID]) -> [NodeID] { nodes.sorted { own.distance(to: $0) < own.distance(to: $1) } }

    mutating func see(_ node: NodeID) {
        guard let number = own.bucket(of: node), !all.contains(node) else { return }
        waiting[number]?.removeAll { $0 == node }
        let ordered = sorted(siblings + [node])
        siblings = Array(ordered.prefix(siblingLimit))
        if ordered.count > siblingLimit { putInBucket(ordered[siblingLimit]) }
    }

    mutating func putInBucket(_ node: NodeID) {
        guard let number = own.bucket(of: node) else { return }
        if buckets[number, default: []].count < bucketSize {
            buckets[number, default: []].append(node)
        } else {
            waiting[number, default: []].append(node)
            if waiting[number, default: []].count > replacementLimit { waiting[number]?.removeFirst() }
        }
    }

    mutating func remove(_ node: NodeID) {
        guard let number = own.bucket(of: node), all.contains(node) else { return }
        if siblings.contains(node) {
            siblings.removeAll { $0 == node }
            guard let next = sorted(buckets.values.flatMap { $0 }).first, let bucket = own.bucket(of: next) else {
                return
            }
            buckets[bucket]?.removeAll { $0 == next }
            siblings = sorted(siblings + [next])
            refill(bucket)
        } else {
            buckets[number]?.removeAll { $0 == node }
            refill(number)
        }
    }

    mutating func refill(_ bucket: Int) {
        if let next = waiting[bucket, default: []].popLast() { see(next) }
    }
}
