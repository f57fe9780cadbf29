#if BoringSSL
    internal import CBoringSSL

    /// AES-256-GCM by BoringSSL, which uses AVX-512 where the processor has it: what the system's libcrypto has from 3.1 on.
    /// The calls of `OpenSSLGCM`.
    struct BoringSSLGCM: ~Copyable {
        private let context: OpaquePointer

        init?() {
            guard let context = carrier_gcm_new() else { return nil }
            self.context = context
        }

        deinit { carrier_gcm_free(context) }

        /// - Parameter key: 32 bytes.
        func setKey(_ key: UnsafePointer<UInt8>?) -> Bool { carrier_gcm_set_key(context, key) == 1 }

        /// - Parameter nonce: 12 bytes.
        func begin(seals: Bool, nonce: UnsafePointer<UInt8>?) -> Bool {
            carrier_gcm_begin(context, seals ? 1 : 0, nonce) == 1
        }

        /// Transforms bytes; authenticates them alone where there is no output.
        func update(_ input: UnsafePointer<UInt8>?, _ size: Int32, into output: UnsafeMutablePointer<UInt8>?) -> Bool {
            carrier_gcm_update(context, input, size, output) == 1
        }

        /// - Parameter tag: takes 16 bytes.
        func finishSealing(tag: UnsafeMutableRawPointer?) -> Bool { carrier_gcm_finish_sealing(context, tag) == 1 }

        /// Whether all that was opened is what the 16 bytes of the tag vouch for.
        func finishOpening(tag: UnsafeRawPointer?) -> Bool { carrier_gcm_finish_opening(context, tag) == 1 }
    }
#endif
