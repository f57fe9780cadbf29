/// Base64 (RFC 4648 §4), two characters at a time.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The two characters of each 12 bits, in memory order.
    private static let pairs: [UInt16] = (0..<4096).map { bits in
        UInt16(littleEndian: UInt16(alphabet[bits >> 6]) | UInt16(alphabet[bits & 63]) << 8)
    }

    /// Values of characters, of the URL-safe alphabet too; 0xff for all others.
    static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    /// - Precondition: `output` has room for four characters for each three bytes that were begun.
    static func encode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
        precondition(output.count >= (input.count + 2) / 3 * 4, "base64 needs four characters for three bytes")
        pairs.withUnsafeBufferPointer { pairs in
            var from = 0
            var to = 0
            while from &+ 3 <= input.count {
                let bits =
                    Int(input[from]) << 16 | Int(input[from &+ 1]) << 8 | Int(input[from &+ 2])
                output.storeBytes(of: pairs[bits >> 12], toByteOffset: to, as: UInt16.self)
                output.storeBytes(of: pairs[bits & 4095], toByteOffset: to &+ 2, as: UInt16.self)
                from &+= 3
                to &+= 4
            }
            let left = input.count - from
            guard left > 0 else { return }
            let bits = Int(input[from]) << 16 | (left == 2 ? Int(input[from + 1]) << 8 : 0)
            output.storeBytes(of: pairs[bits >> 12], toByteOffset: to, as: UInt16.self)
            output[to + 2] = left == 2 ? alphabet[bits >> 6 & 63] : UInt8(ascii: "=")
            output[to + 3] = UInt8(ascii: "=")
        }
    }
}
