internal import CarrierCrypto
internal import CarrierWire
public import NIOCore

extension RoutingTable {
    /// One contact in a saved table: `"CREC"` ‖ length u16 ‖ checksum raw[8] ‖ reach u8 ‖ record.
    private enum Entry {
        static let mark: [UInt8] = Array("CREC".utf8)
        static let headerSize = 14
        /// More entries than a full table has are not read.
        static let limit = 1024
        /// A longer one is none: a record with all of its addresses has some 4 KiB.
        static let longest = 8192

        static func checksum(_ body: ByteBuffer) -> [UInt8] {
            Array(body.withUnsafeReadableBytes { SHA256.hash($0) }.array.prefix(8))
        }
    }

    /// The contacts as bytes, for a node that comes back. Suspects too: whoever is saved comes back as one, and a run without
    /// a network, in which nobody answers, must not cost the table.
    public func saved() -> ByteBuffer {
        var writer = Writer()
        forEach { contact in
            var body = Writer()
            body.u8(contact.reach.rawValue)
            contact.record.write(to: &body)
            writer.raw(Entry.mark)
            writer.u16(UInt16(truncatingIfNeeded: body.buffer.readableBytes))
            writer.raw(Entry.checksum(body.buffer))
            writer.raw(body.buffer)
        }
        return writer.buffer
    }

    /// What came of reading a saved table.
    public struct Restored: Hashable, Sendable {
        /// Contacts that are in the table now, as suspects until they answer.
        public var contacts = 0
        /// Bytes that were no sound entry, and entries that did not pass the checks.
        public var damagedBytes = 0
    }

    /// Takes in a saved table. Damage costs the entries that it touches, never the table: each entry has a checksum, and
    /// signatures and puzzles are checked again. Contacts come back as suspects, to be asked first.
    public mutating func restore(_ bytes: ByteBuffer, _ verifier: any RecordVerifier, now: Instant) -> Restored {
        var restored = Restored()
        var bytes = bytes
        var entries = 0
        while bytes.readableBytes > 0 {
            guard entries < Entry.limit, let body = Self.nextEntry(&bytes) else {
                bytes.moveReaderIndex(forwardBy: 1)
                restored.damagedBytes += 1
                continue
            }
            entries += 1
            if take(body, verifier, now) {
                restored.contacts += 1
            } else {
                restored.damagedBytes += Entry.headerSize + body.readableBytes
            }
        }
        return restored
    }

    /// The body of a sound entry at the reader's place; nil, and nothing read, when there is none.
    private static func nextEntry(_ bytes: inout ByteBuffer) -> ByteBuffer? {
        let start = bytes.readerIndex
        guard let mark = bytes.readBytes(length: 4), mark == Entry.mark,
            let length = bytes.readInteger(endianness: .little, as: UInt16.self), length <= Entry.longest,
            let checksum = bytes.readBytes(length: 8), let body = bytes.readSlice(length: Int(length)),
            checksum == Entry.checksum(body)
        else {
            bytes.moveReaderIndex(to: start)
            return nil
        }
        return body
    }

    private mutating func take(_ body: ByteBuffer, _ verifier: any RecordVerifier, _ now: Instant) -> Bool {
        var reader = Reader(body)
        guard let number = try? reader.u8("reach"), let reach = Reach(rawValue: number),
            let record = try? PeerRecord(from: &reader), reader.left == 0, !record.addresses.isEmpty,
            let verified = verifier.verify(record), contact(verified.nodeID) == nil,
            let bucket = own.bucket(of: verified.nodeID)
        else { return false }
        let ip = record.dialable(toldAt: reach).first?.ip
        let contact = Contact(verified, subnet: Subnet(ip), reach: reach, now: now, failures: 1)
        return insert(contact, bucket) == .inserted
    }
}
