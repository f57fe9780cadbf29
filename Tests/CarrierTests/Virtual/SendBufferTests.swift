import CarrierProtocols
import CarrierWire
import NIOCore
import NIOEmbedded
import Testing

@testable import Carrier

@Suite("A peer that does not read, on a virtual clock")
struct SendBufferTests {
    private static let limit = 1 << 20

    private func pair() throws -> VirtualPair {
        let pair = try VirtualPair {
            $0.limits.send.buffer = Self.limit
            $0.limits.receive.message = 4 << 20
        }
        try pair.theirs.session?.link.setReading(false)
        return pair
    }

    @Test("a send waits its time for room, then fails; memory stays at the limit, and the peer is dropped in the end")
    func full() throws {
        let pair = try pair()
        let connection = try pair.ours
        let peer = Peer(connection)
        let sends = (0..<100).map { number in
            pair.run { try await peer.send(.numbered(number, size: 64 << 10)) }
        }
        let accepted = sends.count { $0.isThere }
        #expect((15...18).contains(accepted), "\(accepted) of 64 KiB")
        #expect((connection.session?.waitingBytes ?? 0) <= Self.limit)
        // Requests and acknowledged sends cost the same memory, so they wait for the same room.
        let request = pair.run { try await peer.request(.numbered(0, size: 64 << 10)) }
        let acknowledged = pair.run { try await peer.send(.numbered(0, size: 64 << 10), acknowledged: true) }
        #expect((connection.session?.waitingBytes ?? 0) <= Self.limit)
        pair.pass(.milliseconds(2999))
        #expect(sends.count { $0.isThere } == accepted && !request.isThere && !acknowledged.isThere)
        pair.pass(.milliseconds(2))
        for send in sends[accepted...] { #expect(send.error as? RequestError == .sendBufferFull(limit: Self.limit)) }
        #expect(request.error as? RequestError == .sendBufferFull(limit: Self.limit))
        #expect(acknowledged.error as? RequestError == .sendBufferFull(limit: Self.limit))
        #expect(!connection.isOver)
        #expect(pair.client.reached(.sendBuffer) == 1 && pair.client.reached(.sendWait) == 102 - UInt64(accepted))
        pair.pass(.seconds(7))
        #expect(pair.client.reached(.sendFull) == 1)
        guard case .local(.sendBufferFull, _) = connection.cause else {
            Issue.record("expected the peer to be dropped, got \(connection.cause.map { "\($0)" } ?? "nothing")")
            return
        }
        try pair.end()
    }

    @Test("room in time lets the waiting sends go, in order")
    func room() throws {
        let pair = try pair()
        let peer = Peer(try pair.ours)
        let sends = (0..<40).map { number in
            pair.run { try await peer.send(.numbered(number, size: 64 << 10)) }
        }
        #expect(sends.contains { !$0.isThere })
        pair.pass(.seconds(2))
        try pair.theirs.session?.link.setReading(true)
        pair.loop.run()
        #expect(sends.allSatisfy { $0.isThere && $0.error == nil })
        #expect(pair.server.received == Array(0..<40))
        pair.pass(.seconds(20))
        #expect(try !pair.ours.isOver)
        try pair.end()
    }

    @Test("a buffer smaller than what the link takes is as good as any")
    func small() throws {
        let pair = try VirtualPair { $0.limits.send.buffer = 1000 }
        let peer = Peer(try pair.ours)
        let sends = (0..<50).map { number in pair.run { try await peer.send(.numbered(number, size: 600)) } }
        pair.pass(.seconds(1))
        #expect(sends.allSatisfy { $0.isThere && $0.error == nil })
        // Frames that no send waits for may go over the limit; once they are out, all is well.
        for number in 50..<60 { try pair.ours.send(.numbered(UInt32(number), size: 600)) }
        pair.pass(.seconds(20))
        #expect(try !pair.ours.isOver && pair.server.received == Array(0..<60))
        try pair.end()
    }

    @Test("who provokes replies and reads none is held back, then dropped")
    func provoked() throws {
        let pair = try pair()
        let (ours, theirs) = (try pair.ours, try pair.theirs)
        // The server provokes: its pings are answered with their payload, which it does not take.
        for _ in 0..<64 {
            theirs.send(Frame(.ping, flags: .request, nonce: 1, body: ByteBuffer(repeating: 0, count: 100_000)))
        }
        pair.loop.run()
        #expect((ours.session?.waitingBytes ?? 0) < Self.limit + (512 << 10))
        #expect(ours.holds.contains(.sendBuffer))
        pair.pass(.seconds(10))
        guard case .local(.sendBufferFull, _) = ours.cause else {
            Issue.record("expected the peer to be dropped, got \(ours.cause.map { "\($0)" } ?? "nothing")")
            return
        }
        try pair.end()
    }
}
