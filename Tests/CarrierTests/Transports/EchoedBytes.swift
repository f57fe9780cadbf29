import Carrier
import CarrierCrypto
import Glibc
import Testing

extension Peer {
    /// Sends `size` random bytes through the peer's echo; whether the same came back.
    func echoes(_ size: Int) async throws -> Bool {
        let bytes = SystemRandom.bytes(size)
        let input = try Self.file(bytes)
        let output = try Self.file([])
        defer {
            close(input)
            close(output)
        }
        let result = await splice(SpliceOptions(input: input, output: output))
        guard case .complete = result.end else {
            Issue.record("the splice ended with \(result.end)")
            return false
        }
        var back = [UInt8](repeating: 0, count: size + 1)
        let count = pread(output, &back, back.count, 0)
        return count == size && memcmp(back, bytes, size) == 0
    }

    /// An open file without a name that holds the bytes.
    private static func file(_ bytes: [UInt8]) throws -> Int32 {
        var name = Array("/tmp/carrier-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        try #require(descriptor >= 0)
        unlink(name)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done) }
            try #require(count > 0)
            done += count
        }
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }
}
