import CarrierProtocols
import CarrierWire
import NIOCore
import Testing

@testable import Carrier

@Suite("Frames that are held back")
struct HeldFramesTests {
    /// Holds the session when something comes, and lets it go at once but for the first time: as sending does that fills the buffer
    /// and flushes it.
    private final class Wavering: StreamConsumer {
        private(set) var seen: [UInt8] = []
        let connection: Connection

        init(_ connection: Connection) { self.connection = connection }

        func streamDidReceive(_ frame: Frame) {
            seen += frame.body.readableBytesView
            connection.setHold(.sendBuffer, true)
            if seen.count > 1 { connection.setHold(.sendBuffer, false) }
        }

        func streamCanSend() {}
        func streamDidClose(_ cause: DisconnectCause) {}
    }

    @Test("come in order, each once, whatever handing them over sets going")
    func reentrance() throws {
        let pair = try VirtualPair()
        let (ours, theirs) = (try pair.ours, try pair.theirs)
        let consumer = Wavering(ours)
        ours.attach(consumer)
        for number in 0..<5 { theirs.send(Frame(.bytes, body: ByteBuffer(bytes: [UInt8(number)]))) }
        pair.loop.run()
        #expect(consumer.seen == [0])
        ours.setHold(.sendBuffer, false)
        #expect(consumer.seen == [0, 1, 2, 3, 4])
        theirs.send(Frame(.bytes, body: ByteBuffer(bytes: [5])))
        pair.loop.run()
        #expect(consumer.seen == [0, 1, 2, 3, 4, 5])
    }
}
