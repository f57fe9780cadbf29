import Foundation

/// What this process has asked the system for.
enum ProcessMemory {
    /// Bytes of address space, from `/proc/self/statm`.
    static func virtualBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return (text.split(separator: " ").first.flatMap { Int($0) } ?? 0) * 4096
    }
}
