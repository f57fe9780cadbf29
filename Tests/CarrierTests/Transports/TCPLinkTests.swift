import CarrierTransport
import CarrierWire
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite("TCP links", .timeLimit(.minutes(1)))
struct TCPLinkTests {
    /// The number that comes next, for other threads to see.
    private final class Numbers: Sendable {
        private let held = Mutex<UInt32>(0)
        var value: UInt32 {
            get { held.withLock { $0 } }
            set { held.withLock { $0 = newValue } }
        }
    }

    /// Compares what comes with numbers that count up.
    private final class Counter: LinkDelegate {
        var link: (any Link)?
        let next: Numbers
        var isInOrder = true
        var end: LinkError?
        private var rest = ByteBuffer()

        init(_ next: Numbers) { self.next = next }

        func linkDidRead(_ bytes: ByteBuffer) {
            rest.writeImmutableBuffer(bytes)
            var number = next.value
            while let came = rest.readInteger(as: UInt32.self) {
                if came != number { isInOrder = false }
                number = came &+ 1
            }
            next.value = number
            rest.discardReadBytes()
        }
        func linkDidReadAll() {}
        func linkDidChangeWritability() {}
        func linkDidClose(_ error: LinkError) { end = error }
    }

    private static func write(_ numbers: Range<UInt32>, to link: any Link, flushes: Bool = true) {
        var number = numbers.lowerBound
        while number < numbers.upperBound {
            var piece = ByteBuffer()
            for _ in 0..<min(1 + number % 9973, numbers.upperBound - number) {
                piece.writeInteger(number)
                number += 1
            }
            link.write(piece)
        }
        if flushes { link.flush() }
    }

    @Test("what the system has no room for goes out behind what it took, before what is written later and the end")
    func rest() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let (here, there) = (group.next(), group.next())
        let transport = TCPTransport()
        let next = Numbers()
        let reader = try await there.submit { NIOLoopBound(Counter(next), eventLoop: there) }.get()
        let writer = try await here.submit { NIOLoopBound(Counter(Numbers()), eventLoop: here) }.get()
        let listener = try await transport.listen(
            on: Address(scheme: .tcp, host: "127.0.0.1", port: 0), loop: there
        ) { link in
            reader.value.link = link
            link.setReading(false)
            link.delegate = reader.value
        }.get()
        // More than both sockets hold.
        let (first, all): (UInt32, UInt32) = (2 << 20, 2 << 20 + 20_000)
        try await here.submit {
            _ = transport.dial(listener.address, loop: here, timeout: .seconds(5)) { result in
                guard case .success(let link) = result else { return }
                link.delegate = writer.value
                writer.value.link = link
            }
        }.get()
        for _ in 0..<500 {
            let links = try await (
                here.submit { writer.value.link != nil }.get(), there.submit { reader.value.link != nil }.get()
            )
            if links.0 && links.1 { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        let (hadRoom, seen) = try await here.submit { () -> (Bool?, UInt32) in
            guard let link = writer.value.link else { return (nil, 0) }
            Self.write(0..<first, to: link)
            let hadRoom = link.isWritable
            // The system has room again before the channel, whose thread this is, can hear of it.
            there.execute { reader.value.link?.setReading(true) }
            var (seen, quiet) = (UInt32(0), 0)
            let patience = NIODeadline.now() + .seconds(10)
            while quiet < 10 || seen == 0, NIODeadline.now() < patience {
                usleep(20_000)
                let now = next.value
                quiet = now > seen ? 0 : quiet + 1
                seen = now
            }
            Self.write(first..<all, to: link, flushes: false)
            link.finish()
            link.finish()
            return (hadRoom, seen)
        }.get()
        #expect(hadRoom == false, "some of it waited")
        #expect(seen > 0 && seen < first, "the reader had all that the system had")
        for _ in 0..<2000 {
            if try await there.submit({ reader.value.end }).get() != nil { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        let (isInOrder, end) = try await there.submit { (reader.value.isInOrder, reader.value.end) }.get()
        #expect(next.value == all)
        #expect(isInOrder, "every number behind the one before it")
        #expect(end == .endOfStream)
        try await here.submit { writer.value.link?.close() }.get()
        try await listener.close().get()
        try await group.shutdownGracefully()
    }
}
