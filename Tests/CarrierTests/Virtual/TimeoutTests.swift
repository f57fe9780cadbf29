import CarrierProtocols
import CarrierTransport
import CarrierWire
import NIOCore
import NIOEmbedded
import Testing

@testable import Carrier

@Suite("Silence and slowness on a virtual clock")
struct TimeoutTests {
    @Test("a frame that comes in drops has its time as a whole")
    func dribble() throws {
        let pair = try VirtualPair()
        let (ours, theirs) = (try pair.ours, try pair.theirs)
        // The beginning of a record of 64 bytes, a byte a second.
        let session = try #require(theirs.session)
        for byte in [64, 0, 1, 2, 3, 4, 5, 6, 7, 8] as [UInt8] {
            #expect(!theirs.isOver)
            session.linkDidRead(ByteBuffer(bytes: [byte]))
            pair.pass(.seconds(1))
        }
        pair.pass(.milliseconds(100))
        guard case .local(.receiveTimeout, let text) = theirs.cause else {
            Issue.record("expected a receive timeout, got \(theirs.cause.map { "\($0)" } ?? "nothing")")
            return
        }
        #expect(text.contains("10") && pair.server.reached(.frame) == 1)
        guard case .remote(.receiveTimeout, _) = ours.cause else {
            Issue.record("expected the other side to be told, got \(ours.cause.map { "\($0)" } ?? "nothing")")
            return
        }
        try pair.end()
    }

    @Test("silence is broken by keepalives, and two living nodes stay connected for days")
    func keepalive() throws {
        let pair = try VirtualPair()
        let connection = try pair.ours
        let before = connection.bytesOut
        pair.pass(.seconds(29))
        #expect(connection.bytesOut == before)
        pair.pass(.seconds(2))
        #expect(connection.bytesOut > before && pair.client.reached(.keepalive) == 1)
        pair.pass(.seconds(2 * 24 * 60 * 60))
        #expect(try !pair.ours.isOver && pair.ours === connection)
        try pair.end()
    }

    @Test("a dead peer is dropped after its time, not before")
    func idle() throws {
        let pair = try VirtualPair()
        let (ours, theirs) = (try pair.ours, try pair.theirs)
        // Nothing of the server leaves it any more, and it hears nothing.
        theirs.session?.link.setReading(false)
        theirs.setHold(.stream, true)
        ours.session?.link.setReading(false)
        pair.pass(.seconds(89))
        #expect(!ours.isOver)
        pair.pass(.seconds(2))
        guard case .local(.idleTimeout, let text) = ours.cause else {
            Issue.record("expected an idle timeout, got \(ours.cause.map { "\($0)" } ?? "nothing")")
            return
        }
        #expect(text.contains("90") && pair.client.reached(.idle) == 1)
        try pair.end()
    }

    @Test("a handshake has its time as a whole, whichever side is silent")
    func handshake() throws {
        let pair = try VirtualPair(connects: false)
        // A listener that takes links and says nothing.
        let links = NIOLoopBoundBox<[any Link]>([], eventLoop: pair.loop)
        let silent = pair.transport.listen(
            on: Address(scheme: pair.transport.scheme, host: "127.0.0.1", port: 9), loop: pair.loop
        ) { links.value.append($0) }
        pair.loop.run()
        let address = try silent.wait().address
        var outcome: Result<Connection, DialError>?
        pair.client.core.dial([address]) { outcome = $0 }
        pair.pass(.milliseconds(9999))
        #expect(outcome == nil && links.value.count == 1)
        pair.pass(.milliseconds(2))
        guard case .failure(.handshake(_, .timeout(.seconds(10)))) = outcome else {
            Issue.record("expected a handshake timeout, got \(String(describing: outcome))")
            return
        }
        // A dialler that says nothing.
        var failures: [HandshakeError] = []
        let observer = pair.server.core.observer
        pair.server.core.observer = { event in
            if case .handshakeFailed(_, let error) = event { failures.append(error) }
            observer(event)
        }
        let port = try #require(pair.server.core.listeners.first).address
        let quiet = NIOLoopBoundBox<(any Link)?>(nil, eventLoop: pair.loop)
        _ = pair.transport.dial(port, loop: pair.loop, timeout: .seconds(5)) { quiet.value = try? $0.get() }
        pair.pass(.milliseconds(9999))
        #expect(failures.isEmpty && pair.server.core.halfOpen.count == 1)
        pair.pass(.milliseconds(2))
        #expect(failures == [.timeout(.seconds(10))] && pair.server.core.halfOpen.isEmpty)
        #expect(pair.client.reached(.handshake) == 1 && pair.server.reached(.handshake) == 1)
        for link in links.value { link.close() }
        try pair.end()
    }
}
