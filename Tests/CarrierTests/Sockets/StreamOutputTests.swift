import Foundation
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import Carrier

@Suite("Output that is written at once, or on a thread of its own")
struct StreamOutputTests {
    /// Who writes to a pipe that nobody reads hears of it by an error, as in the command.
    init() { signal(SIGPIPE, SIG_IGN) }

    private func residentBytes() throws -> Int {
        let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (Int(pages[1]) ?? 0) * Int(getpagesize())
    }

    /// Reads so many bytes, fewer at the end.
    private func take(_ count: Int, from descriptor: Int32) -> [UInt8] {
        var room = [UInt8](repeating: 0, count: count)
        var taken: [UInt8] = []
        while taken.count < count {
            let more = read(descriptor, &room, count - taken.count)
            guard more > 0 else { break }
            taken += room[..<more]
        }
        return taken
    }

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
        for _ in 0..<capacity / block { _ = output.write([ByteBuffer(repeating: 1, count: block)]) }
        #expect(try await becomes { output.unwritten == 0 })
        let before = calls.withLockedValue { $0 }
        for number in 1...10 { #expect(output.write([ByteBuffer(repeating: 1, count: block)]) == (number < 8)) }
        _ = take(5 * block, from: ends[0])
        #expect(try await becomes { output.unwritten == 5 * block })
        #expect(output.write([ByteBuffer(repeating: 2, count: 100)]))
        #expect(!output.hasRoom && calls.withLockedValue { $0 } == before)
        _ = take(capacity, from: ends[0])
        #expect(try await becomes { output.hasRoom && calls.withLockedValue { $0 } == before + 1 })
        output.stop()
        close(ends[0])
    }

    @Test("whatever there is room for, pieces come out in their order, and all of them")
    func order() async throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let (reader, writer) = (ends[0], ends[1])
        let flags = fcntl(writer, F_GETFL)
        let rounds = 400
        let got = NIOLockedValueBox<[UInt8]?>(nil)
        Threads.start {
            var bytes: [UInt8] = []
            var room = [UInt8](repeating: 0, count: 50_000)
            while true {
                let count = read(reader, &room, room.count)
                guard count > 0 else { break }
                bytes += room[..<count]
                // At times slower than who writes, at times faster.
                if bytes.count % 3 == 0 { usleep(500) }
            }
            got.withLockedValue { $0 = bytes }
        }
        let output = StreamOutput(descriptor: writer, closesAtEnd: true) {}
        var expected: [UInt8] = []
        for round in 0..<rounds {
            // More pieces than the system takes in one call, now and then.
            let pieces = (0..<(round % 50 == 0 ? 100 : 3)).map { piece in
                let count = 1 + (round * 977 + piece * 131) % 30_000
                return ByteBuffer(repeating: UInt8(truncatingIfNeeded: round * 7 + piece), count: count)
            }
            for piece in pieces { expected += piece.readableBytesView }
            if !output.write(pieces) { _ = try await becomes { output.hasRoom } }
        }
        #expect(fcntl(writer, F_GETFL) == flags)
        output.finish()
        #expect(try await becomes { got.withLockedValue { $0 != nil } })
        #expect(got.withLockedValue { $0 } == expected)
        #expect(output.unwritten == 0)
        close(reader)
    }

    @Test("who has gone is found out, and what was lost counts")
    func gone() async throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let calls = NIOLockedValueBox(0)
        let output = StreamOutput(descriptor: ends[1], closesAtEnd: true) { calls.withLockedValue { $0 += 1 } }
        #expect(output.write([ByteBuffer(repeating: 1, count: 1000)]))
        #expect(try await becomes { output.unwritten == 0 })
        close(ends[0])
        #expect(output.write([ByteBuffer(repeating: 2, count: 500)]))
        #expect(try await becomes { output.failure == EPIPE && calls.withLockedValue { $0 } == 1 })
        _ = output.write([ByteBuffer(repeating: 3, count: 20)])
        #expect(output.unwritten == 520)
    }

    @Test("small pieces that wait do not keep alive what they were cut from")
    func small() async throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let output = StreamOutput(descriptor: ends[1], closesAtEnd: true) {}
        let capacity = Int(fcntl(ends[1], 1032 /* F_GETPIPE_SZ */))
        _ = output.write([ByteBuffer(repeating: 0, count: capacity)])
        #expect(try await becomes { output.unwritten == 0 })
        // The thread waits with the first, so that the others wait here.
        _ = output.write([ByteBuffer(repeating: 1, count: 1)])
        try await Task.sleep(for: .milliseconds(50))
        let before = try residentBytes()
        for number in 0..<400 {
            var read = ByteBuffer(repeating: 2, count: 1 << 20)
            guard let piece = read.readSlice(length: 1 + number % 2) else { continue }
            _ = output.write([piece])
        }
        let after = try residentBytes()
        #expect(after - before < 100 << 20, "\(before) to \(after)")
        let got = take(capacity + 1 + 600, from: ends[0])
        #expect(Array(got.dropFirst(capacity)) == [1] + [UInt8](repeating: 2, count: 600))
        output.stop()
        close(ends[0])
    }
}
