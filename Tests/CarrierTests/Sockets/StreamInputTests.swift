import Glibc
import NIOCore
import Testing

@testable import Carrier

@Suite("Input that is read when it is taken")
struct StreamInputTests {
    /// Takes items until the end.
    private func takeAll(_ descriptor: Int32, after: () -> Void = {}) async throws -> [UInt8] {
        let input = StreamInput(descriptor: descriptor) {}
        defer { input.stop() }
        after()
        var bytes: [UInt8] = []
        for _ in 0..<2000 {
            while let item = input.take() {
                switch item {
                case .bytes(let buffer):
                    bytes += buffer.readableBytesView
                    input.recycle(buffer)
                case .end: return bytes
                case .failed(let code):
                    Issue.record("error \(code)")
                    return bytes
                }
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("no end came")
        return bytes
    }

    private static let pattern = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 251) }

    @Test("a pipe: all bytes and the end, and its flags are as they were")
    func pipes() async throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let flags = fcntl(ends[0], F_GETFL)
        let writer = ends[1]
        Threads.start {
            // In pieces with pauses, so that some are there when they are asked for and others are waited for.
            for start in stride(from: 0, to: Self.pattern.count, by: 10_000) {
                _ = Self.pattern[start..<start + 10_000].withUnsafeBytes { write(writer, $0.baseAddress, $0.count) }
                if start % 50_000 == 0 { usleep(20_000) }
            }
            close(writer)
        }
        #expect(try await takeAll(ends[0]) == Self.pattern)
        #expect(fcntl(ends[0], F_GETFL) == flags)
    }

    @Test("a file: from where its descriptor stands to its end")
    func files() async throws {
        let path = "/tmp/carrier-input-\(getpid())"
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        try #require(file >= 0)
        defer {
            close(file)
            unlink(path)
        }
        #expect(Self.pattern.withUnsafeBytes { write(file, $0.baseAddress, $0.count) } == Self.pattern.count)
        lseek(file, 1000, SEEK_SET)
        #expect(try await takeAll(file) == Array(Self.pattern[1000...]))
    }

    @Test("a terminal, which the system can only wait for, is read by the thread")
    func terminals() async throws {
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var (locked, number): (Int32, Int32) = (0, 0)
        try #require(terminal >= 0 && ioctl(terminal, 0x4004_5431 /* TIOCSPTLCK */, &locked) == 0)
        try #require(ioctl(terminal, 0x8004_5430 /* TIOCGPTN */, &number) == 0)
        defer { close(terminal) }
        let other = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        try #require(other >= 0)
        defer { close(other) }
        let bytes = try await takeAll(other) {
            for line in ["one\n", "two\n", "\u{4}"] {
                usleep(20_000)
                _ = line.withCString { write(terminal, $0, strlen($0)) }
            }
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "one\ntwo\n")
    }

    @Test("a socket that is reset is an error, not an end, for who reads and for who writes")
    func resets() async throws {
        signal(SIGPIPE, SIG_IGN)
        for reads in [true, false] {
            let (near, far) = try connectedSockets()
            defer { close(near) }
            let input = StreamInput(descriptor: near) {}
            let output = StreamOutput(descriptor: near, closesAtEnd: false) {}
            defer {
                input.stop()
                output.stop()
            }
            #expect(Self.pattern.withUnsafeBytes { write(far, $0.baseAddress, 5) } == 5)
            var item: StreamInput.Item?
            for _ in 0..<500 {
                item = input.take()
                if item != nil { break }
                try await Task.sleep(for: .milliseconds(5))
            }
            guard case .bytes = item else { return #expect(Bool(false), "nothing came") }
            var atOnce = linger(l_onoff: 1, l_linger: 0)
            setsockopt(far, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
            close(far)
            try await Task.sleep(for: .milliseconds(20))
            var found: Int32 = 0
            for _ in 0..<500 where found == 0 {
                if reads {
                    if case .failed(let code) = input.take() { found = code }
                } else {
                    _ = output.write([ByteBuffer(repeating: 1, count: 10)])
                    found = output.failure
                }
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(found == ECONNRESET)
        }
    }

    /// Both ends of a TCP connection on loopback.
    private func connectedSockets() throws -> (Int32, Int32) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let near = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, size) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, address, &size) == 0 && connect(near, address, size) == 0
            }
        }
        try #require(isConnected)
        let far = accept(listener, nil, nil)
        try #require(far >= 0)
        return (near, far)
    }
}
