import CarrierTransport
import NIOCore
import NIOPosix
import Testing

@Suite("Datagram sockets", .timeLimit(.minutes(1)))
struct DatagramSocketTests {
    /// Counts what comes.
    private final class Sink: DatagramSocketDelegate {
        var bytes = 0

        func socketDidRead(_ bytes: ByteBuffer, segment: Int, from remote: SocketAddress, to local: SocketAddress) {
            self.bytes += bytes.readableBytes
        }
        func socketDidReadAll() {}
        func socketDidDrain() {}
        func socketWasRefused() {}
        func socketDidClose() {}
    }

    /// More segments than one call may have: the system refuses that as it refuses segments too large for the way to one peer.
    @Test(
        "a batch that the system refuses goes out datagram by datagram, and turns nothing off",
        .enabled(if: System.supportsUDPSegmentationOffload, "the system cuts no datagrams"))
    func refusedBatch() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let anywhere = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let receiver = try await DatagramSocket.open(on: anywhere, usesOffload: true, loop: loop).get()
        let sink = try await loop.submit {
            let sink = NIOLoopBound(Sink(), eventLoop: loop)
            receiver.value.delegate = sink.value
            return sink
        }.get()
        let target = try await loop.submit { receiver.value.localAddress }.get()
        let sender = try await DatagramSocket.open(on: anywhere, usesOffload: true, loop: loop).get()
        let batch = [UInt8](repeating: 7, count: 40 * 200)
        let canSegment = try await loop.submit {
            batch.withUnsafeBytes { sender.value.send($0, segment: 40, to: target) }
            return sender.value.canSegment
        }.get()
        #expect(canSegment, "one refused batch says nothing of others")
        for _ in 0..<500 {
            if try await loop.submit({ sink.value.bytes }).get() == batch.count { break }
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(try await loop.submit { sink.value.bytes }.get() == batch.count)
        try await loop.submit {
            sender.value.close()
            receiver.value.close()
        }.get()
    }
}
