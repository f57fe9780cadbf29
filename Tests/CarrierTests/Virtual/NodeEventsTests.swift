import NIOCore
import Testing

@testable import Carrier
@testable import CarrierProtocols
@testable import CarrierWire

@Suite("Events that wait to be taken")
struct NodeEventsTests {
    private func broadcast(_ number: Int, _ body: ByteBuffer) throws -> NodeEvent {
        let origin = try VirtualPair.identity().peerID
        let id = Broadcast.ID(origin: origin, sequence: UInt64(number))
        return .notice(
            BroadcastReceived(origin: origin, id: id, hops: number, message: TestNode.opcode, codec: .bytes, body: body)
        )
    }

    @Test("broadcasts are kept up to 16 MiB, the first ones, and again when they are taken")
    func bytes() throws {
        let pair = try VirtualPair(connects: false)
        let events = NodeEvents(NIOLoopBound(pair.server.core, eventLoop: pair.loop))
        let body = ByteBuffer(repeating: 1, count: 1 << 20)
        for round in 0..<2 {
            for number in 0..<20 { events.add(try broadcast(number, body)) }
            let taken = pair.run {
                var numbers: [Int] = []
                for await event in events {
                    guard case .notice(let notice as BroadcastReceived) = event else { continue }
                    numbers.append(notice.hops)
                    if numbers.count == 16 { break }
                }
                return numbers
            }
            #expect(taken.value == Array(0..<16), "round \(round)")
        }
        let limit = pair.server.core.limitUses.first { $0.name == .eventBytes }
        #expect(limit?.limit == Double(16 << 20) && limit?.reached == 8)
        try pair.end()
    }

    @Test("a broadcast that waits keeps no more memory than it says")
    func smallBodies() throws {
        let pair = try VirtualPair(connects: false)
        let events = NodeEvents(NIOLoopBound(pair.server.core, eventLoop: pair.loop))
        let read = ByteBuffer(repeating: 7, count: 65_536)
        let body = try #require(read.getSlice(at: 0, length: 100))
        events.add(try broadcast(0, body))
        let taken = pair.run { () -> ByteBuffer? in
            for await case .notice(let notice as BroadcastReceived) in events { return notice.body }
            return nil
        }
        let kept = try #require(taken.value ?? nil)
        #expect(kept == body && kept.storageCapacity <= 1024, "\(kept.storageCapacity)")
        try pair.end()
    }

    @Test("what happens beside messages is heard at once, whoever takes the events")
    func asTheyHappen() throws {
        let pair = try VirtualPair(connects: false)
        let events = NodeEvents(NIOLoopBound(pair.server.core, eventLoop: pair.loop))
        struct Word: Notice {}
        events.add(.notice(Word()))
        let heard = pair.run {
            var count = 0
            for await event in await events.asTheyHappen() {
                guard case .notice(let notice) = event, notice is Word else { continue }
                count += 1
                if count == 3 { break }
            }
            return count
        }
        for number in 0..<40 { events.add(try broadcast(number, ByteBuffer(repeating: 1, count: 1 << 20))) }
        for _ in 0..<2 { events.add(.notice(Word())) }
        pair.loop.run()
        #expect(heard.value == 3)
        try pair.end()
    }
}
