#if QUIC
    internal import CQUIC

    /// What packets of a connection are found by: up to 20 bytes.
    struct ConnectionID: Hashable {
        private var words: SIMD3<UInt64> = .zero

        init(_ bytes: UnsafeBufferPointer<UInt8>) {
            withUnsafeMutableBytes(of: &words) { room in
                room.copyBytes(from: bytes.prefix(20))
                room[23] = UInt8(truncatingIfNeeded: min(bytes.count, 20))
            }
        }

        init(_ id: cquic_id) {
            self = withUnsafeBytes(of: id.bytes) { bytes in
                ConnectionID(UnsafeBufferPointer(rebasing: bytes.bindMemory(to: UInt8.self).prefix(Int(id.size))))
            }
        }
    }
#endif
