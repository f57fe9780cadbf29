import Foundation

/// What this machine lets its tests do. Who is root in a container may have fewer rights than root has, so each is tried.
enum Permission {
    /// A network of its own, for a process.
    static let ownNetwork = runs("unshare", "-n", "ip", "link", "set", "lo", "up")
    /// Mounts of its own, for a process.
    static let ownMounts = runs("unshare", "-m", "true")
    /// To forge what the network says.
    static let rawSockets = runs(
        "python3", "-c", "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)")
    /// To see what passes on loopback.
    static let capture = runs("tcpdump", "-i", "lo", "-d")

    /// Whether a command is there and succeeds.
    static func runs(_ command: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
