import Testing

@testable import CarrierNAT

@Suite("HTTP answers of gateways")
struct HTTPAnswerTests {
    /// Feeds the whole, then again byte by byte; both must say the same.
    func read(_ text: String, limit: Int = 1000) throws(HTTPAnswer.Fault) -> (status: Int, body: String)? {
        var whole = HTTPAnswer(bodyLimit: limit, headLimit: 500)
        var isComplete = try whole.feed(Array(text.utf8), atEnd: false)
        if !isComplete { isComplete = try whole.feed([], atEnd: true) }
        var dribbled = HTTPAnswer(bodyLimit: limit, headLimit: 500)
        var wasComplete = false
        for byte in text.utf8 where !wasComplete { wasComplete = try dribbled.feed([byte], atEnd: false) }
        if !wasComplete { wasComplete = try dribbled.feed([], atEnd: true) }
        #expect(isComplete == wasComplete && whole.body == dribbled.body && whole.status == dribbled.status)
        return isComplete ? (whole.status, String(decoding: whole.body, as: UTF8.self)) : nil
    }

    @Test func aBodyByLengthByEndAndByChunks() throws {
        #expect(try read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef")?.body == "abc")
        #expect(try read("HTTP/1.0 500 No\nServer: x\n\nabcdef")?.body == "abcdef")
        #expect(try read("HTTP/1.0 500 No\nServer: x\n\nabcdef")?.status == 500)
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n"
        #expect(try read(chunked)?.body == "abc0123456789")
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH\r\n\r\n", "", "HTTP/1.1\r\n\r\n", "HTTP/1.1 two OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 100) + "\r\n",
        "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 1001),
    ])
    func whatIsNoAnswerOrTooLongIsRefused(_ text: String) {
        #expect(throws: HTTPAnswer.Fault.self) { try read(text) }
    }

    @Test func seededGarbageNeverTraps() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array(
            "HTTP/1.1 200 OK\r\n\r\nContent-Length:0123456789abcdefTransfer-Encoding: chunked;\u{ff}".utf8)
        for _ in 0..<2000 {
            var bytes = Array("HTTP/1.1 200 OK\r\n".utf8)
            for _ in 0..<Int.random(in: 0..<80, using: &random) {
                bytes.append(alphabet.randomElement(using: &random) ?? 0)
            }
            var answer = HTTPAnswer(bodyLimit: 64, headLimit: 64)
            _ = try? answer.feed(bytes, atEnd: false)
            _ = try? answer.feed([], atEnd: true)
        }
    }
}

@Suite("URLs of gateways")
struct HTTPURLTests {
    @Test func whatAGatewayMayBeAskedAt() {
        #expect(HTTPURL("http://192.168.1.1:5000/root.xml?a=b")?.description == "http://192.168.1.1:5000/root.xml?a=b")
        #expect(HTTPURL("HTTP://192.168.1.1")?.description == "http://192.168.1.1:80/")
        #expect(HTTPURL("http://192.168.1.1?x")?.path == "/?x")
    }

    @Test(arguments: [
        "", "http://", "https://192.168.1.1/", "http://router.local/", "http://[fe80::1]/", "http://192.168.1.1:0/",
        "http://192.168.1.1:70000/", "http://192.168.1.1:80:80/", "http://user@192.168.1.1/", "http://192.168.1.1/ x",
        "http://192.168.1.1/\r\nHost: evil", "ftp://192.168.1.1/", "file:///etc/passwd", "http://0x7f000001/",
        "http://192.168.1/",
    ])
    func whatItMayNot(_ text: String) { #expect(HTTPURL(text) == nil) }
}
