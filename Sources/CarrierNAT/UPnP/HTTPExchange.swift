internal import CNATPMP
internal import CarrierWire
internal import Glibc

/// One request to a gateway's HTTP server and its answer, bounded in time and size.
///
/// The library's own reader takes whatever a server sends for as long as it sends; this one does not.
struct HTTPExchange {
    /// The most that an answer's body may have, 128 KiB: descriptions have a few.
    static let bodyLimit = 128 << 10
    private static let headLimit = 16 << 10

    let url: HTTPURL

    /// Sends `request` and returns status and body of the answer.
    func run(_ request: String, _ patience: Patience) throws(NATError) -> (status: Int, body: [UInt8]) {
        let socket = try Descriptor(SOCK_STREAM)
        try socket.connect(to: url.host, port: url.port)
        try send(Array(request.utf8), socket, patience)
        var answer = HTTPAnswer(bodyLimit: Self.bodyLimit, headLimit: Self.headLimit)
        var chunk = [UInt8](repeating: 0, count: 8192)
        while true {
            guard socket.wait(for: POLLIN, patience) else { throw slow }
            let count = recv(socket.raw, &chunk, chunk.count, 0)
            if count < 0 {
                if errno == EAGAIN || errno == EINTR { continue }
                throw broken
            }
            let isComplete: Bool
            do throws(HTTPAnswer.Fault) {
                isComplete = try answer.feed(chunk.prefix(count), atEnd: count == 0)
            } catch {
                throw .invalidAnswer(url.host, expected: error.expected, got: error.got)
            }
            if isComplete { return (answer.status, answer.body) }
        }
    }

    private func send(_ bytes: [UInt8], _ socket: borrowing Descriptor, _ patience: Patience) throws(NATError) {
        var sent = 0
        while sent < bytes.count {
            guard socket.wait(for: POLLOUT, patience) else { throw slow }
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno != EAGAIN && errno != EINTR {
                throw broken
            }
        }
    }

    private var slow: NATError { .silent(url.host, mapper: "UPnP (\(url))") }
    private var broken: NATError { .network("cannot ask \(url): \(lastError())") }
}

/// An HTTP answer as it comes in.
struct HTTPAnswer {
    struct Fault: Error, Equatable {
        let expected: String
        let got: String
    }

    private let bodyLimit: Int
    private let headLimit: Int
    private var received: [UInt8] = []
    private var head: (status: Int, bodyStart: Int, length: Int?, isChunked: Bool)?
    private(set) var body: [UInt8] = []

    init(bodyLimit: Int, headLimit: Int) {
        self.bodyLimit = bodyLimit
        self.headLimit = headLimit
    }

    var status: Int { head?.status ?? 0 }

    /// Takes the next bytes. Returns whether `body` is complete.
    mutating func feed(_ bytes: some Collection<UInt8>, atEnd: Bool) throws(Fault) -> Bool {
        received.append(contentsOf: bytes)
        if head == nil { try readHead(atEnd) }
        guard let head else { return false }
        // Chunks have framing of their own: as much again is more than enough.
        let (limit, here) = (head.isChunked ? 2 * bodyLimit : bodyLimit, received.count - head.bodyStart)
        guard here <= limit, head.length ?? 0 <= bodyLimit else {
            throw Fault(expected: "an answer of at most \(bodyLimit) bytes", got: "a longer one")
        }
        if head.isChunked {
            guard let whole = try dechunk(received[head.bodyStart...]) else { return try more(atEnd) }
            body = whole
            return true
        }
        if let length = head.length {
            guard here >= length else { return try more(atEnd) }
            body = Array(received[head.bodyStart..<(head.bodyStart + length)])
            return true
        }
        if atEnd { body = Array(received[head.bodyStart...]) }
        return atEnd
    }

    private func more(_ atEnd: Bool) throws(Fault) -> Bool {
        if atEnd { throw Fault(expected: "a whole answer", got: "its first \(received.count) bytes") }
        return false
    }

    private mutating func readHead(_ atEnd: Bool) throws(Fault) {
        guard let end = Self.headEnd(received.prefix(headLimit)) else {
            if received.count >= headLimit || atEnd {
                throw Fault(expected: "an HTTP header", got: "\(received.count) bytes without one")
            }
            return
        }
        let lines = String(decoding: received[..<end], as: UTF8.self).split(whereSeparator: \.isNewline)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Fault(expected: "an HTTP answer", got: "something else")
        }
        var length: Int?
        var isChunked = false
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let value = parts[1].trimmed
            switch parts[0].lowercased() {
            case "content-length":
                guard let number = UInt32(value) else {
                    throw Fault(expected: "a content length", got: "another word")
                }
                length = Int(number)
            case "transfer-encoding": isChunked = value.lowercased() == "chunked"
            default: break
            }
        }
        head = (status, end, length, isChunked)
    }

    /// Where the body starts, after an empty line.
    private static func headEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        var lineIsEmpty = false
        for (index, byte) in bytes.enumerated() {
            if byte == 0x0a {
                if lineIsEmpty { return index + 1 }
                lineIsEmpty = true
            } else if byte != 0x0d {
                lineIsEmpty = false
            }
        }
        return nil
    }

    /// The content of a chunked body; nil while it is incomplete.
    private func dechunk(_ bytes: ArraySlice<UInt8>) throws(Fault) -> [UInt8]? {
        var rest = bytes
        var content: [UInt8] = []
        while true {
            guard let lineEnd = rest.firstIndex(of: 0x0a) else {
                if rest.count > 256 { throw Fault(expected: "a chunk's size", got: "a long line") }
                return nil
            }
            let digits = String(decoding: rest[..<lineEnd].prefix { $0 != 0x3b && $0 != 0x0d }, as: UTF8.self)
            guard let size = UInt32(Substring(digits).trimmed, radix: 16), size <= bodyLimit else {
                throw Fault(expected: "a chunk of at most \(bodyLimit) bytes", got: "another size")
            }
            if size == 0 { return content }
            rest = rest[(lineEnd + 1)...]
            guard rest.count >= Int(size) + 2 else { return nil }
            content += rest.prefix(Int(size))
            rest = rest.dropFirst(Int(size))
            // A CR LF, or a bare LF.
            rest = rest.first == 0x0d ? rest.dropFirst(2) : rest.dropFirst(1)
        }
    }
}

extension Substring {
    /// Without spaces at its ends.
    fileprivate var trimmed: Substring {
        let start = drop { $0.isWhitespace }
        return start.lastIndex { !$0.isWhitespace }.map { start[...$0] } ?? ""
    }
}
