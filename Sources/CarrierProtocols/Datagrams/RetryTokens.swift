internal import CarrierCrypto
internal import CarrierWire
internal import NIOCore

/// Tokens that say: who brings this has received it at this address, a moment ago. Nothing is kept about them.
struct RetryTokens {
    /// How long a token is good: one round trip and some patience.
    private static let life: Duration = .seconds(10)
    private static let nonceSize = 12

    private let aead: AESGCM

    init() throws(CryptoError) { aead = try AESGCM(key: .random(count: AESGCM.keySize)) }

    func make(for address: Address, now: Instant) throws(CryptoError) -> ByteBuffer {
        var token = ByteBuffer()
        SecretBytes.random(count: Self.nonceSize).withUnsafeBytes { _ = token.writeBytes($0) }
        let nonce = token
        var time = ByteBuffer()
        time.writeInteger(now.nanoseconds)
        var failure: CryptoError?
        let data = Array("\(address)".utf8)
        token.writeWithUnsafeMutableBytes(minimumWritableBytes: 8 + AESGCM.tagSize) { room in
            let output = UnsafeMutableRawBufferPointer(rebasing: room[..<(8 + AESGCM.tagSize)])
            nonce.withUnsafeReadableBytes { nonce in
                time.withUnsafeReadableBytes { time in
                    data.withUnsafeBytes { data in
                        do throws(CryptoError) {
                            try aead.seal(nonce: nonce, authenticating: data, into: output) {
                                take throws(CryptoError) in
                                try take(time)
                            }
                        } catch { failure = error }
                    }
                }
            }
            return failure == nil ? output.count : 0
        }
        if let failure { throw failure }
        return token
    }

    func isValid(_ token: ByteBuffer, for address: Address, now: Instant) -> Bool {
        var token = token
        guard token.readableBytes == Self.nonceSize + 8 + AESGCM.tagSize,
            let nonce = token.readSlice(length: Self.nonceSize)
        else { return false }
        var time = ByteBuffer()
        var isGenuine = false
        let data = Array("\(address)".utf8)
        time.writeWithUnsafeMutableBytes(minimumWritableBytes: 8) { room in
            let output = UnsafeMutableRawBufferPointer(rebasing: room[..<8])
            nonce.withUnsafeReadableBytes { nonce in
                token.withUnsafeReadableBytes { sealed in
                    data.withUnsafeBytes { data in
                        do throws(CryptoError) {
                            try aead.open(sealed, nonce: nonce, authenticating: data, into: output)
                            isGenuine = true
                        } catch {
                            // Not ours, or for somebody else.
                        }
                    }
                }
            }
            return 8
        }
        guard isGenuine, let made = time.readInteger(as: Int64.self) else { return false }
        let age = now - Instant(nanoseconds: made)
        return age >= .zero && age <= Self.life
    }
}
