import CarrierProtocols
import CarrierTransport
import CarrierWire
import NIOCore
import NIOEmbedded
import Testing

@testable import Carrier

@Suite("Every way in which a connection ends")
struct EndingTests {
    enum End: CaseIterable {
        case dialler, listener, both, streamEnd, brokenRecord, malformed, quit
    }

    private struct Once: Component {
        let journal: Journal
        mutating func connected(_ peer: PeerInfo, _ context: inout Context) { journal.note("up") }
        mutating func disconnected(_ peer: PeerInfo, _ cause: DisconnectCause, _ context: inout Context) {
            journal.note("down")
        }
    }

    private struct Waiting: AsyncComponent {
        let journal: Journal
        func connected(_ peer: Peer) async throws { journal.note("async up") }
        func disconnected(_ peer: Peer, _ cause: DisconnectCause) async throws { journal.note("async down") }
    }

    @Test("is heard once by every component on both sides, and a new connection works at once", arguments: End.allCases)
    func heardOnce(end: End) throws {
        let journal = Journal()
        let pair = try VirtualPair(
            serverComponents: Node.standardComponents + [Once(journal: journal)],
            serverApplication: [Waiting(journal: journal)])
        let (ours, theirs) = (try pair.ours, try pair.theirs)
        pair.loop.run()
        switch end {
        case .dialler: ours.close(.applicationClosed, "bye")
        case .listener: theirs.close(.applicationClosed, "bye")
        case .both:
            ours.close(.shutdown)
            theirs.close(.shutdown)
        case .streamEnd: ours.session?.link.close()
        case .brokenRecord:
            var garbage = ByteBuffer(integer: UInt16(40), endianness: .little)
            garbage.writeRepeatingByte(7, count: 40)
            ours.session?.link.write(garbage)
            ours.session?.link.flush()
        case .malformed: ours.send(Frame(.keepalive, flags: .request, nonce: 5, body: ByteBuffer(bytes: [1])))
        case .quit: _ = pair.client.core.stop()
        }
        pair.pass(.milliseconds(10))
        if end != .quit {
            try pair.connect()
            #expect(try pair.ours !== ours && pair.theirs !== theirs)
            #expect(pair.client.send(1, to: pair.server))
            pair.loop.run()
            #expect(pair.server.received == [1])
        }
        pair.pass(.seconds(5))
        #expect(
            pair.server.downs.count == 1 && pair.client.downs.count == 1, "\(pair.server.downs) \(pair.client.downs)")
        let again = end == .quit ? [] : ["up", "async up"]
        #expect(journal.all == ["up", "async up", "down", "async down"] + again)
        switch (end, pair.server.downs.first, pair.client.downs.first) {
        case (.dialler, .remote(.applicationClosed, "bye"), .local(.applicationClosed, "bye")),
            (.listener, .local(.applicationClosed, "bye"), .remote(.applicationClosed, "bye")),
            (.both, .local(.shutdown, _), .local(.shutdown, _)), (.streamEnd, .broken, .broken),
            (.brokenRecord, .local(.protocolError, _), .remote(.protocolError, _)),
            (.malformed, .local(.protocolError, _), .remote(.protocolError, _)),
            (.quit, .remote(.shutdown, _), .local(.shutdown, _)):
            break
        case (_, let server, let client):
            Issue.record("\(end): \(String(describing: server)), \(String(describing: client))")
        }
        try pair.end()
    }

    @Test("is heard before another connection of the peer takes the place, whose coming had it probed")
    func whileProbed() throws {
        let pair = try VirtualPair()
        let journal = Journal()
        let theirs = try pair.theirs
        theirs.probe { [server = pair.server] isAlive in
            journal.note("\(isAlive) \(server.downs.count) \(server.core.connections.count)")
        }
        theirs.abort(.broken("gone"))
        #expect(journal.all == ["false 1 0"])
        try pair.end()
    }
}
