public import CarrierCrypto
internal import NIOCore

/// Noise's SymmetricState (§5.2) for AES-256-GCM and SHA-256: the chaining key, the transcript hash, the current cipher.
struct NoiseSymmetricState: ~Copyable {
    private var chainingKey: SecretBytes
    private(set) var hash: Bytes32
    private var cipher: NoiseCipher?
    private let sha = SHA256()
    private let hkdf = HKDF()

    init(protocolName: StaticString, prologue: ByteBuffer) {
        // A name of up to 32 bytes is padded with zeros; a longer one would be hashed.
        let name = UnsafeBufferPointer(start: protocolName.utf8Start, count: protocolName.utf8CodeUnitCount)
        precondition(name.count <= 32, "protocol names over 32 bytes are not used here")
        let start = Bytes32 { output in output.copyBytes(from: name) }
        hash = start
        chainingKey = SecretBytes(start.array)
        mix(hash: prologue)
    }

    /// h = H(h ‖ data).
    mutating func mix(hash data: ByteBuffer) {
        data.withUnsafeReadableBytes { mix(hash: $0) }
    }

    mutating func mix(hash data: Bytes32) {
        data.withUnsafeBytes { mix(hash: $0) }
    }

    private mutating func mix(hash data: UnsafeRawBufferPointer) {
        hash.withUnsafeBytes { sha.update($0) }
        sha.update(data)
        hash = sha.finish()
    }

    /// Derives the next chaining key and cipher from a shared secret; the nonce starts at 0.
    mutating func mix(key material: SecretBytes) throws(CryptoError) {
        let (next, key) = try derive(from: material)
        chainingKey = next
        cipher = try NoiseCipher(key: key)
    }

    /// HKDF with two outputs (§4.3).
    private func derive(from material: SecretBytes?) throws(CryptoError) -> (SecretBytes, SecretBytes) {
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        let pseudorandom = chainingKey.withUnsafeBytes { salt in
            if let material {
                material.withUnsafeBytes { hkdf.extract(salt: salt, material: $0) }
            } else {
                hkdf.extract(salt: salt, material: empty)
            }
        }
        guard let output = hkdf.expand(pseudorandom, info: [], count: 64) else {
            throw .library(operation: "HKDF", reason: "output of 64 bytes refused")
        }
        return output.withUnsafeBytes { bytes in (SecretBytes(bytes[..<32]), SecretBytes(bytes[32...])) }
    }

    /// Sends a payload: sealed once there is a key, else as it is.
    mutating func encryptAndHash(_ payload: ByteBuffer, into output: inout ByteBuffer) throws(CryptoError) {
        let start = output.writerIndex
        if cipher == nil {
            output.writeImmutableBuffer(payload)
        } else {
            let count = payload.readableBytes + AESGCM.tagSize
            var failure: CryptoError?
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
                do throws(CryptoError) {
                    try sealPayload(payload, into: UnsafeMutableRawBufferPointer(rebasing: room[..<count]))
                    return count
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
        }
        if let written = output.getSlice(at: start, length: output.writerIndex - start) { mix(hash: written) }
    }

    private mutating func sealPayload(
        _ payload: ByteBuffer, into room: UnsafeMutableRawBufferPointer
    ) throws(CryptoError) {
        let result: Result<Void, CryptoError> = payload.withUnsafeReadableBytes { plaintext in
            hash.withUnsafeBytes { data in
                do throws(CryptoError) {
                    try cipher?.seal(authenticating: data, into: room) { take throws(CryptoError) in try take(plaintext)
                    }
                    return .success(())
                } catch { return .failure(error) }
            }
        }
        try result.get()
    }

    /// Receives a payload: opened once there is a key, else as it is.
    mutating func decryptAndHash(_ received: ByteBuffer) throws(CryptoError) -> ByteBuffer {
        var payload = received
        if cipher != nil {
            guard received.readableBytes >= AESGCM.tagSize else { throw .authenticationFailed }
            payload = try openPayload(received)
        }
        mix(hash: received)
        return payload
    }

    private mutating func openPayload(_ sealed: ByteBuffer) throws(CryptoError) -> ByteBuffer {
        let count = sealed.readableBytes - AESGCM.tagSize
        var payload = ByteBuffer()
        var failure: CryptoError?
        payload.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            let result: Result<Void, CryptoError> = sealed.withUnsafeReadableBytes { bytes in
                hash.withUnsafeBytes { data in
                    do throws(CryptoError) {
                        try cipher?.open(bytes, authenticating: data, into: room)
                        return .success(())
                    } catch { return .failure(error) }
                }
            }
            if case .failure(let error) = result { failure = error }
            return failure == nil ? count : 0
        }
        if let failure { throw failure }
        return payload
    }

    /// The keys of the two directions: initiator to responder first.
    consuming func split() throws(CryptoError) -> NoiseKeys {
        let (first, second) = try derive(from: nil)
        return NoiseKeys(initiatorToResponder: first, responderToInitiator: second, handshakeHash: hash)
    }
}

/// What a finished handshake leaves: a key a direction, and the hash that names the session.
public struct NoiseKeys: Sendable {
    /// What the initiator seals with, 32 bytes.
    public let initiatorToResponder: SecretBytes
    /// What the responder seals with, 32 bytes.
    public let responderToInitiator: SecretBytes
    /// The transcript hash h: the same on both sides, unique to the session (Noise §11.2).
    public let handshakeHash: Bytes32
}
