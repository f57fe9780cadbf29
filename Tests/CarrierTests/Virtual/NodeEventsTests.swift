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
        try pair.end()
    }
}
