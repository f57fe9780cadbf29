internal import Carrier
internal import NIOCore

/// A message that the ledger knows: its number, and bytes that follow from it.
struct Entry: FieldMessage {
    static let opcode = Opcode(1000)
    /// The least bytes of one.
    static let headerSize = 8

    let number: UInt64
    let padding: ByteBuffer

    init(_ number: UInt64, size: Int) {
        self.number = number
        padding = ByteBuffer(repeating: Self.filling(number), count: max(0, size - Self.headerSize))
    }

    init(from reader: inout Reader) throws(WireError) {
        number = try reader.u64("number")
        padding = try reader.raw("padding", count: reader.left)
    }

    func write(to writer: inout Writer) {
        writer.u64(number)
        writer.raw(padding)
    }

    private static func filling(_ number: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: number &* 31 &+ 7) }

    /// Whether every byte is what it was.
    var isIntact: Bool { padding.readableBytesView.allSatisfy { $0 == Self.filling(number) } }
}

/// Enters what arrives at one node into the ledger, before it is acknowledged.
struct Recorder: Component {
    let name = "recorder"
    let opcodes = [Entry.opcode]
    let ledger: Ledger

    mutating func receive(_ message: Inbound, _ context: inout Context) throws -> Bool {
        ledger.received(try Entry(body: message.frame.body))
        return true
    }
}
