public import CarrierCrypto
public import NIOCore

/// Asks for the peers closest to a place in the key space (opcode 12).
public struct LookupNodeRequest: BuiltInMessage, Hashable {
    public static let opcode = Opcode.lookupNodeRequest

    /// The place whose neighbours are wanted.
    public var target: NodeID
    /// The most records wanted; an answer never holds more than 20.
    public var count: UInt8

    /// Asks for the nearest nodes to a place.
    public init(target: NodeID, count: UInt8) {
        self.target = target
        self.count = count
    }

    public init(from reader: inout Reader) throws(WireError) {
        target = NodeID(try reader.raw32("target"))
        count = try reader.u8("count")
    }

    public func write(to writer: inout Writer) {
        writer.raw32(target.bytes)
        writer.u8(count)
    }
}

/// The closest peers that a node knows, closest first (opcode 13).
public struct LookupNodeResponse: BuiltInMessage, Hashable {
    public static let opcode = Opcode.lookupNodeResponse
    /// The most records an answer may hold.
    public static let recordLimit = 20

    /// The nearest first.
    public var records: [PeerRecord]

    /// An answer with these records.
    public init(records: [PeerRecord]) { self.records = records }

    public init(from reader: inout Reader) throws(WireError) {
        records = try reader.list("records", limit: Self.recordLimit) { reader throws(WireError) in
            try PeerRecord(from: &reader)
        }
    }

    /// The answer in a body that may hold more records than an answer may: those that are too many are left unread.
    ///
    /// - Parameters:
    ///   - body: what the peer sent.
    ///   - leftOut: how many those are.
    public init(cutting body: ByteBuffer, leftOut: inout Int) throws(WireError) {
        var reader = Reader(body)
        let count = Int(try reader.u16("records"))
        leftOut = max(0, count - Self.recordLimit)
        records = []
        guard leftOut > 0 else {
            records = try Self(fields: body).records
            return
        }
        for _ in 0..<Self.recordLimit { records.append(try PeerRecord(from: &reader)) }
    }

    public func write(to writer: inout Writer) {
        writer.list(records) { $1.write(to: &$0) }
    }
}
