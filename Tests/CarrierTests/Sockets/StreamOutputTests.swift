import Glibc
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import Carrier

@Suite("Output on a thread of its own")
struct StreamOutputTests {
    /// Waits until a condition holds.
    private func becomes(_ condition: () -> Bool) async throws -> Bool {
        for _ in 0..<500 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
        return condition()
    }

    @Test("who waits for room hears of it, also when another writer had room in between")
    func room() async throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let calls = NIOLockedValueBox(0)
        let output = StreamOutput(descriptor: ends[1], closesAtEnd: true) { calls.withLockedValue { $0 += 1 } }
        let capacity = Int(fcntl(ends[1], 1032 /* F_GETPIPE_SZ */))
        let block = 65_536
        for _ in 0..<capacity / block { _ = output.write(ByteBuffer(repeating: 1, count: block)) }
        #expect(try await becomes { output.unwritten == 0 })
        let before = calls.withLockedValue { $0 }
        for number in 1...10 { #expect(output.write(ByteBuffer(repeating: 1, count: block)) == (number < 8)) }
        func take(_ count: Int) {
            var room = [UInt8](repeating: 0, count: count)
            var taken = 0
            while taken < count {
                let more = read(ends[0], &room, count - taken)
                guard more > 0 else { break }
                taken += more
            }
        }
        take(5 * block)
        #expect(try await becomes { output.unwritten == 5 * block })
        #expect(output.write(ByteBuffer(repeating: 2, count: 100)))
        #expect(!output.hasRoom && calls.withLockedValue { $0 } == before)
        take(capacity)
        #expect(try await becomes { output.hasRoom && calls.withLockedValue { $0 } == before + 1 })
        output.stop()
        close(ends[0])
    }
}
