import Glibc
import Synchronization

/// An HTTP server on loopback that answers as a test says. Ends with `stop`.
final class FakeHTTPServer: Sendable {
    enum Reply: Sendable {
        case bytes(String)
        /// The connection stays open and silent.
        case hang
        /// Bytes for ever.
        case endless(String)
        /// One byte every 100 ms.
        case dribble(String)
    }

    let port: UInt16
    private let socket: Int32
    private let seen = Mutex<[String]>([])
    private let isOver = Mutex(false)

    /// The requests so far, bodies included.
    var requests: [String] { seen.withLock { $0 } }

    init(_ reply: @escaping @Sendable (String) -> Reply) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(socket, $0, length)
                _ = listen(socket, 16)
                _ = getsockname(socket, $0, &length)
            }
        }
        self.socket = socket
        port = UInt16(bigEndian: address.sin_port)
        let thread = ThreadBox { [self] in
            while true {
                let connection = accept(socket, nil, nil)
                if connection < 0 { return }
                ThreadBox { [self] in serve(connection, reply) }.start()
            }
        }
        thread.start()
    }

    func stop() {
        isOver.withLock { $0 = true }
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
    }

    private func serve(_ connection: Int32, _ reply: (String) -> Reply) {
        defer { close(connection) }
        var request = ""
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !Self.isWhole(request) {
            let count = recv(connection, &chunk, chunk.count, 0)
            if count <= 0 { return }
            request += String(decoding: chunk.prefix(count), as: UTF8.self)
        }
        seen.withLock { $0.append(request) }
        switch reply(request) {
        case .bytes(let text): put(text, connection)
        case .hang:
            // Until the client goes.
            _ = recv(connection, &chunk, chunk.count, 0)
        case .endless(let text):
            while !isOver.withLock({ $0 }) && put(text, connection) {}
        case .dribble(let text):
            for byte in text where !isOver.withLock({ $0 }) {
                guard put(String(byte), connection) else { return }
                usleep(100_000)
            }
        }
    }

    private static func isWhole(_ request: String) -> Bool {
        guard let end = request.utf8.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
        let length =
            request.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst("Content-Length: ".count)) } ?? 0
        return request.utf8.distance(from: end.upperBound, to: request.utf8.endIndex) >= length
    }

    @discardableResult
    private func put(_ text: String, _ connection: Int32) -> Bool {
        let bytes = Array(text.utf8)
        return send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }
}

/// A thread for a test's server.
final class ThreadBox: Sendable {
    private let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    func start() {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { raw in
                if let raw { Unmanaged<ThreadBox>.fromOpaque(raw).takeRetainedValue().body() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
    }
}
