internal import COpenSSL

/// The key derivation over HMAC-SHA-256 (RFC 5869), with one context for all its steps.
public final class HKDF {
    private let hmac = HMAC()

    /// Ready for any number of derivations, by one task at a time.
    public init() {}

    /// HKDF-Extract: a 32-byte pseudorandom key from `material`.
    public func extract(salt: UnsafeRawBufferPointer, material: UnsafeRawBufferPointer) -> SecretBytes {
        SecretBytes(count: 32) { hmac.write(key: salt, material, into: $0) }
    }

    /// HKDF-Expand: `count` bytes of output; nil above the 255 · 32 bytes that RFC 5869 allows.
    public func expand(_ key: SecretBytes, info: [UInt8], count: Int) -> SecretBytes? {
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
                        key.withUnsafeBytes { hmac.write(key: $0, message, into: digest) }
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
