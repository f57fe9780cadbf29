internal import CDatagram
internal import Glibc
internal import NIOCore

/// A connected socket beside the one that dials: before, it tells this side's address; later, whether nobody listens there.
///
/// The socket that carries data is not connected, and so hears nothing of what the network says by ICMP. A connected one hears
/// all of it, from anybody on the way; SwiftNIO ends the program over any such word but "port unreachable", and over that too
/// when a send has taken it first.
struct DatagramScout: Sendable {
    /// This side's address on the way to the remote one; the port is the scout's own.
    let local: SocketAddress
    /// The other side, as the system writes it.
    let remote: SocketAddress
    private let descriptor: CInt

    /// - Throws: `IOError` when there is no way to the address.
    init(to target: SocketAddress) throws {
        var (here, there) = ([] as [UInt8], [] as [UInt8])
        descriptor = target.withSockAddr { address, size in
            here = Array(repeating: 0, count: size)
            there = here
            return cdatagram_connect(address, socklen_t(size), &here, &there)
        }
        guard descriptor >= 0 else { throw IOError(errnoCode: -descriptor, reason: "connect") }
        (local, remote) = (Self.address(here, like: target), Self.address(there, like: target))
    }

    /// An address in the system's form.
    private static func address(_ bytes: [UInt8], like other: SocketAddress) -> SocketAddress {
        bytes.withUnsafeBytes { bytes in
            switch other {
            case .v6: SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self))
            case .v4, .unixDomainSocket: SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self))
            }
        }
    }

    /// Sends a datagram of no bytes, which nodes pass over and an empty port refuses.
    func knock() { _ = Glibc.send(descriptor, "", 0, CInt(MSG_DONTWAIT)) }

    /// Whether the network has said that nobody listens there.
    var isRefused: Bool { cdatagram_error(descriptor) == ECONNREFUSED }

    func close() { Glibc.close(descriptor) }
}
