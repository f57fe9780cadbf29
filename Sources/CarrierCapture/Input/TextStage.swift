internal import NIOCore

/// What a piece of text became: bytes, and places of the text that say none.
struct TextOutput {
    var bytes = ByteBuffer()
    /// Offset and length in the text, and why it was passed over.
    var gaps: [(offset: UInt64, length: UInt64, reason: String)] = []
}

/// Turns text, in pieces of any size, into the bytes that it spells.
protocol TextStage {
    mutating func feed(_ text: ByteBuffer, _ output: inout TextOutput)
    mutating func finish(_ output: inout TextOutput)
}

/// Reads base64 text of either alphabet, with line ends anywhere and with or without padding.
struct Base64Text: TextStage {
    private var bits: UInt32 = 0
    private var count = 0
    private var offset: UInt64 = 0
    private var bad: (offset: UInt64, length: UInt64)?

    mutating func feed(_ text: ByteBuffer, _ output: inout TextOutput) {
        output.bytes.reserveCapacity(minimumWritableBytes: text.readableBytes / 4 * 3 + 3)
        for character in text.readableBytesView {
            let value = Base64.values[Int(character)]
            if value != 0xff {
                bits = bits << 6 | UInt32(value)
                count += 1
                if count == 4 { flush(&output) }
                flushBad(&output)
            } else if character == UInt8(ascii: "=") {
                flush(&output)
            } else if character > 0x20 {
                bad = (bad?.offset ?? offset, (bad?.length ?? 0) + 1)
            }
            offset += 1
        }
    }

    mutating func finish(_ output: inout TextOutput) {
        flush(&output)
        flushBad(&output)
    }

    /// Writes what two, three or four characters spell.
    private mutating func flush(_ output: inout TextOutput) {
        let bits = bits << UInt32(6 * (4 - count))
        if count >= 2 { output.bytes.writeInteger(UInt8(truncatingIfNeeded: bits >> 16)) }
        if count >= 3 { output.bytes.writeInteger(UInt8(truncatingIfNeeded: bits >> 8)) }
        if count == 4 { output.bytes.writeInteger(UInt8(truncatingIfNeeded: bits)) }
        self.bits = 0
        count = 0
    }

    private mutating func flushBad(_ output: inout TextOutput) {
        guard let bad else { return }
        output.gaps.append((bad.offset, bad.length, "not base64"))
        self.bad = nil
    }
}
