import Foundation

/// What this process takes of the machine.
struct ProcessFigures: CustomStringConvertible {
    let descriptors: Int
    /// MiB.
    let memory: Int

    init() throws {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        memory = (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) / 1024
        descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    var description: String { "\(descriptors) descriptors, \(memory) MiB" }
}
