import CarrierTransport
import CarrierWire
import NIOCore
import NIOPosix
import Testing

@Suite("TCP links", .timeLimit(.minutes(1)))
struct TCPLinkTests {
    /// Compares what comes with numbers that count up.
    private final class Counter: LinkDelegate {
        var link: (any Link)?
        var next: UInt32 = 0
        var isInOrder = true
        var end: LinkError?
        private var rest = ByteBuffer()

        func linkDidRead(_ bytes: ByteBuffer) {
            rest.writeImmutableBuffer(bytes)
            while let number = rest.readInteger(as: UInt32.self) {
                if number != next { isInOrder = false }
                next &+= 1
            }
            rest.discardReadBytes()
        }
        func linkDidReadAll() {}
        func linkDidChangeWritability() {}
        func linkDidClose(_ error: LinkError) { end = error }
    }

    @Test("what the system has no room for goes out behind what it took, before what is written later, and before the end")
    func rest() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let transport = TCPTransport()
        let reader = try await loop.submit { NIOLoopBound(Counter(), eventLoop: loop) }.get()
        let writer = try await loop.submit { NIOLoopBound(Counter(), eventLoop: loop) }.get()
        let listener = try await transport.listen(
            on: Address(scheme: .tcp, host: "127.0.0.1", port: 0), loop: loop
        ) { link in
            reader.value.link = link
            link.setReading(false)
            link.delegate = reader.value
        }.get()
        // Of odd sizes and more than both sockets hold; nothing of it is flushed before some of it had to wait.
        let total: UInt32 = 2 << 20
        try await loop.submit {
            _ = transport.dial(listener.address, loop: loop, timeout: .seconds(5)) { result in
                guard case .success(let link) = result else { return }
                writer.value.link = link
                link.delegate = writer.value
                var number: UInt32 = 0
                while number < total {
                    var piece = ByteBuffer()
                    for _ in 0..<min(1 + number % 9973, total - number) {
                        piece.writeInteger(number)
                        number += 1
                    }
                    link.write(piece)
                    if number % 3 == 0 { link.flush() }
                }
                link.flush()
                link.finish()
            }
        }.get()
        try await Task.sleep(for: .milliseconds(200))
        #expect(try await loop.submit { writer.value.link?.isWritable }.get() == false, "some of it waits")
        try await loop.submit { reader.value.link?.setReading(true) }.get()
        for _ in 0..<2000 {
            if try await loop.submit({ reader.value.end }).get() != nil { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        let came = try await loop.submit { (reader.value.next, reader.value.isInOrder, reader.value.end) }.get()
        #expect(came.0 == total)
        #expect(came.1, "every number behind the one before it")
        #expect(came.2 == .endOfStream)
        try await loop.submit { writer.value.link?.close() }.get()
        try await listener.close().get()
    }
}
