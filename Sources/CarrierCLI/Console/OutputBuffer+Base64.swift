extension OutputBuffer {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// The two digits of every group of 12 bits: one look-up for one and a half bytes.
    private static let pairs: [UInt16] = (0..<4096).map { bits in
        let first = UInt16(alphabet.utf8Start[bits >> 6])
        let second = UInt16(alphabet.utf8Start[bits & 63])
        return UInt16(littleEndian: first | second << 8)
    }

    /// Bytes in base64 (RFC 4648 §4), with padding.
    mutating func append(base64 bytes: UnsafeRawBufferPointer) {
        let groups = bytes.count / 3
        append(atMost: (groups + 1) * 4) { target in
            Self.pairs.withUnsafeBufferPointer { pairs in
                let output = UnsafeMutableRawPointer(target)
                for group in 0..<groups {
                    let offset = group * 3
                    let bits = Int(bytes[offset]) << 16 | Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2])
                    output.storeBytes(of: pairs[bits >> 12], toByteOffset: group * 4, as: UInt16.self)
                    output.storeBytes(of: pairs[bits & 4095], toByteOffset: group * 4 + 2, as: UInt16.self)
                }
                let rest = bytes.count - groups * 3
                if rest == 0 { return groups * 4 }
                let second = rest == 2 ? Int(bytes[groups * 3 + 1]) : 0
                let bits = Int(bytes[groups * 3]) << 16 | second << 8
                output.storeBytes(of: pairs[bits >> 12], toByteOffset: groups * 4, as: UInt16.self)
                target[groups * 4 + 2] = rest == 2 ? Self.alphabet.utf8Start[bits >> 6 & 63] : UInt8(ascii: "=")
                target[groups * 4 + 3] = UInt8(ascii: "=")
                return groups * 4 + 4
            }
        }
    }
}
