internal import NIOCore

extension ByteBuffer {
    private static let hexDigits = Array("0123456789abcdef".utf8)

    /// Appends bytes as lower-case hex digits.
    mutating func writeHex(_ value: some Collection<UInt8>) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: value.count * 2) { raw in
            var position = 0
            for byte in value {
                raw[position] = Self.hexDigits[Int(byte >> 4)]
                raw[position + 1] = Self.hexDigits[Int(byte & 15)]
                position += 2
            }
            return position
        }
    }

    /// Appends a number's decimal digits.
    mutating func writeDecimal(_ value: UInt64) {
        if value < 10 {
            writeInteger(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value))
            return
        }
        var digits = 1
        var bound = value / 10
        while bound > 0 {
            digits += 1
            bound /= 10
        }
        writeWithUnsafeMutableBytes(minimumWritableBytes: digits) { raw in
            var rest = value
            for position in (0..<digits).reversed() {
                raw[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return digits
        }
    }

    /// Appends base64 (RFC 4648 §4, with padding).
    mutating func writeBase64(_ value: ByteBuffer) {
        let count = (value.readableBytes + 2) / 3 * 4
        writeWithUnsafeMutableBytes(minimumWritableBytes: count) { output in
            value.withUnsafeReadableBytes { Base64.encode($0, into: output) }
            return count
        }
    }
}
