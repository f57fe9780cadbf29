import Foundation
import Testing

/// The right to build the lab: one test at a time on the machine, whichever process and file system it runs in.
///
/// It is an abstract socket address, which belongs to the network that the lab's links are built in, and is free again when its
/// holder ends, however it ends.
final class LabLock: Sendable {
    private let descriptor: Int32

    /// Waits until nobody else has it.
    init(within limit: Duration = .seconds(480)) async throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array("\0carrier-nat-lab".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let end = ContinuousClock.now + limit
        while !Self.bind(descriptor, address, size) {
            try #require(errno == EADDRINUSE && ContinuousClock.now < end, "another run holds the NAT lab")
            try await Task.sleep(for: .milliseconds(300))
        }
    }

    deinit { close(descriptor) }

    private static func bind(_ descriptor: Int32, _ address: sockaddr_un, _ size: socklen_t) -> Bool {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, size) == 0 }
        }
    }
}
