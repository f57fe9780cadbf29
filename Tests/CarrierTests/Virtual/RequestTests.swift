import CarrierProtocols
import CarrierWire
import NIOCore
import NIOEmbedded
import Testing

@testable import Carrier

@Suite("Requests and acks on a virtual clock")
struct RequestTests {
    @Test("a request has its reply, or fails when its time is over and not before")
    func timeout() throws {
        let pair = try VirtualPair()
        let peer = Peer(try pair.ours)
        var frames: [Frame] = []
        pair.server.onMessage = { frames.append($1) }
        let late = pair.run { try await peer.request(.numbered(1), within: .seconds(2)) }
        #expect(frames.count == 1 && frames[0].flags.contains(.request))
        pair.pass(.milliseconds(1999))
        #expect(!late.isThere)
        pair.pass(.milliseconds(2))
        #expect(late.error as? RequestError == .timeout(.seconds(2)) && pair.client.reached(.request) == 1)

        // The late reply, a doubled one and one to nothing are nobody's; the next request has its own.
        let answered = pair.run { try await peer.request(.numbered(2)) }
        let connection = try pair.theirs
        func reply(to nonce: UInt32, _ number: UInt32) {
            var frame = Frame.numbered(number)
            frame.flags = .reply
            frame.nonce = nonce
            connection.send(frame)
        }
        reply(to: frames[0].nonce, 1)
        reply(to: 77_777, 3)
        #expect(frames.count == 2)
        reply(to: frames[1].nonce, 2)
        reply(to: frames[1].nonce, 4)
        pair.loop.run()
        #expect(answered.value?.number == 2)
        #expect(try !pair.ours.isOver && !pair.theirs.isOver)
        try pair.end()
    }

    @Test("more requests than allowed fail at once, and no sooner")
    func outstanding() throws {
        let pair = try VirtualPair { $0.limits.send.requests = 4 }
        let peer = Peer(try pair.ours)
        var nonces: [UInt32] = []
        pair.server.onMessage = { nonces.append($1.nonce) }
        let waiting = (0..<4).map { number in pair.run { try await peer.request(.numbered(number)) } }
        let fifth = pair.run { try await peer.request(.numbered(4)) }
        #expect(fifth.error as? RequestError == .tooManyOutstanding(limit: 4) && pair.client.reached(.requests) == 1)
        #expect(waiting.allSatisfy { !$0.isThere })
        try pair.theirs.send(Frame(TestNode.opcode, flags: .reply, nonce: nonces[0]))
        pair.loop.run()
        #expect(waiting[0].isThere && !waiting[1].isThere)
        let sixth = pair.run { try await peer.request(.numbered(5)) }
        #expect(!sixth.isThere)
        pair.pass(.seconds(10))
        #expect(sixth.error as? RequestError == .timeout(.seconds(10)))
        try pair.end()
    }

    @Test("an acknowledged send returns when the peer has the message, and fails without")
    func acks() throws {
        let pair = try VirtualPair()
        let peer = Peer(try pair.ours)
        let first = pair.run { try await peer.send(.numbered(0), acknowledged: true) }
        #expect(first.isThere && first.error == nil && pair.server.received == [0])
        // Who holds messages back has not got them.
        try pair.theirs.setHold(.stream, true)
        let second = pair.run { try await peer.send(.numbered(1), acknowledged: true) }
        pair.pass(.seconds(9))
        #expect(!second.isThere)
        try pair.theirs.setHold(.stream, false)
        pair.loop.run()
        #expect(second.isThere && second.error == nil && pair.server.received == [0, 1])
        try pair.theirs.setHold(.stream, true)
        let third = pair.run { try await peer.send(.numbered(2), acknowledged: true) }
        pair.pass(.seconds(11))
        #expect(third.error as? RequestError == .timeout(.seconds(10)))
        try pair.end()
    }

    @Test("requests end with their connection")
    func disconnect() throws {
        let pair = try VirtualPair()
        let peer = Peer(try pair.ours)
        let request = pair.run { try await peer.request(.numbered(0)) }
        try pair.theirs.close(.applicationClosed, "enough")
        pair.loop.run()
        #expect(request.error as? RequestError == .disconnected(.remote(.applicationClosed, "enough")))
        let after = pair.run { try await peer.request(.numbered(0)) }
        #expect(after.error as? RequestError == .disconnected(.remote(.applicationClosed, "enough")))
        try pair.end()
    }
}
