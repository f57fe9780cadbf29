#if QUIC
    internal import CQUIC
    internal import Glibc
    internal import NIOCore

    extension SocketAddress {
        /// Copies the address in the system's form; how many bytes it has.
        func copy(to storage: inout sockaddr_storage) -> socklen_t {
            withSockAddr { address, size in
                withUnsafeMutableBytes(of: &storage) { room in
                    room.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min(size, room.count)))
                }
                return socklen_t(size)
            }
        }

        /// The address in its system's form; nil for anything but IP.
        init?(_ storage: inout sockaddr_storage) {
            let family = CInt(storage.ss_family)
            let made: SocketAddress? = withUnsafeBytes(of: &storage) { bytes in
                switch family {
                case AF_INET: SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self))
                case AF_INET6: SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self))
                default: nil
                }
            }
            guard let made else { return nil }
            self = made
        }
    }
#endif
