#if QUIC
    internal import CQUIC
    internal import CarrierCrypto

    /// A node's certificate: self-signed, its key is the identity (carrier-wire(7) §7).
    final class QUICCredentials: Sendable {
        // Made once and only read after that; the library counts its uses.
        nonisolated(unsafe) let pointer: OpaquePointer
        /// What the tokens of retries and stateless resets are made of: the same again after a restart, so that peers of the
        /// run before are told at once that it is over.
        let secret: SecretBytes

        /// - Throws: `CryptoError.library`.
        init(_ identity: Identity) throws(CryptoError) {
            var made: OpaquePointer?
            let status = identity.key.seed.withUnsafeBytes { seed in
                identity.key.publicKey.withUnsafeBytes { key in
                    cquic_identity_new(
                        seed.bindMemory(to: UInt8.self).baseAddress, key.bindMemory(to: UInt8.self).baseAddress, &made)
                }
            }
            guard status == 0, let made else {
                throw .library(operation: "QUIC certificate", reason: String(cString: cquic_tls_error(status)))
            }
            pointer = made
            guard let secret = HKDF().expand(identity.key.seed, info: Array("carrier quic tokens v1".utf8), count: 32)
            else {
                cquic_identity_free(made)
                throw .library(operation: "HKDF", reason: "output of 32 bytes refused")
            }
            self.secret = secret
        }

        deinit { cquic_identity_free(pointer) }
    }
#endif
