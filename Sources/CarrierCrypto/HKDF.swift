internal import COpenSSL

/// HMAC-SHA-256 (RFC 2104) and the key derivation over it (RFC 5869).
public enum HKDF {
    /// HMAC-SHA-256 of `message`, written into `output` (32 bytes).
    static func hmac(
        key: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(output.count == 32, "an HMAC-SHA-256 has 32 bytes")
        // A null key pointer would mean "the key of the call before" to libcrypto.
        var none: UInt8 = 0
        let result = withUnsafePointer(to: &none) { empty in
            HMAC(
                OpenSSL.sha256, key.baseAddress ?? UnsafeRawPointer(empty), Int32(key.count),
                message.bindMemory(to: UInt8.self).baseAddress, message.count,
                output.bindMemory(to: UInt8.self).baseAddress, nil)
        }
        // Going on would mean going on under a key of zeros. Memory and a known algorithm are all that this can lack.
        precondition(result != nil, "HMAC-SHA-256 failed in libcrypto")
    }

    /// HKDF-Extract: a 32-byte pseudorandom key from `material`.
    public static func extract(salt: UnsafeRawBufferPointer, material: UnsafeRawBufferPointer) -> SecretBytes {
        SecretBytes(count: 32) { hmac(key: salt, material, into: $0) }
    }

    /// HKDF-Expand: `count` bytes of output; nil above the 255 · 32 bytes that RFC 5869 allows.
    public static func expand(_ key: SecretBytes, info: [UInt8], count: Int) -> SecretBytes? {
        guard count >= 0, count <= 255 * 32 else { return nil }
        return SecretBytes(count: count) { output in
            // T(n) = HMAC(key, T(n-1) ‖ info ‖ n); the buffer holds secrets, so it is wiped.
            withUnsafeTemporaryAllocation(byteCount: 32 + info.count + 1, alignment: 16) { block in
                withUnsafeTemporaryAllocation(byteCount: 32, alignment: 16) { digest in
                    defer {
                        OPENSSL_cleanse(block.baseAddress, block.count)
                        OPENSSL_cleanse(digest.baseAddress, digest.count)
                    }
                    var done = 0
                    var round: UInt8 = 1
                    while done < count {
                        let carried = round == 1 ? 0 : 32
                        if carried > 0 { block.copyMemory(from: UnsafeRawBufferPointer(digest)) }
                        UnsafeMutableRawBufferPointer(rebasing: block[carried...]).copyBytes(from: info)
                        block[carried + info.count] = round
                        let message = UnsafeRawBufferPointer(rebasing: block[..<(carried + info.count + 1)])
                        key.withUnsafeBytes { hmac(key: $0, message, into: digest) }
                        let part = min(32, count - done)
                        UnsafeMutableRawBufferPointer(rebasing: output[done...])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: digest[..<part]))
                        done += part
                        round &+= 1
                    }
                }
            }
        }
    }
}
