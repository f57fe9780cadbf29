internal import CarrierCrypto
internal import CarrierProtocols
internal import NIOCore

/// Records of one kilobyte, sealed from what waits in an outbox, and opened from what was read.
struct RecordPath {
    private let key = SecretBytes(count: 32) { _ in }
    private let plaintext = ByteBuffer(repeating: 7, count: 1024)

    func seal(_ count: Int, _ counted: Bool) throws {
        var sealer = try RecordSealer(key: key)
        var outbox = Outbox()
        var output = ByteBuffer()
        try run(counted) {
            for _ in 0..<count {
                output.clear()
                outbox.append(plaintext)
                try outbox.seal(with: &sealer, into: &output)
            }
        }
    }

    func open(_ count: Int, _ counted: Bool) throws {
        var sealer = try RecordSealer(key: key)
        var records: [ByteBuffer] = []
        for _ in 0..<count {
            var record = ByteBuffer()
            try sealer.seal(plaintext, into: &record)
            records.append(record)
        }
        var opener = try RecordOpener(key: key)
        var opened = ByteBuffer()
        try run(counted) {
            for index in records.indices {
                opened.clear()
                try opener.open(&records[index], into: &opened)
            }
        }
        precondition(opened == plaintext, "the last record is not what was sealed")
    }
}
