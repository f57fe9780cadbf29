import Glibc
import NIOCore

/// The pages of code that starting needed and staying does not.
///
/// The kernel maps 64 KiB around each instruction that is first run, so that a process that has just started counts nearly
/// its whole text as resident: 13 MB of 25 in an idle `listen`.
enum StartUpCode {
    /// Gives the code back now, and once more when the first round of upkeep has run.
    ///
    /// - Returns: the second time, to cancel.
    static func leave(_ loop: any EventLoop) -> Scheduled<Void> {
        letGo()
        return loop.scheduleTask(in: .seconds(10)) { letGo() }
    }

    /// Gives the mapped code of the program and its libraries back. What runs again is mapped again from the page cache, which
    /// takes a fraction of a millisecond in all; nothing is read from disk unless memory is short.
    private static func letGo() {
        guard let maps = fopen("/proc/self/maps", "re") else { return }
        defer { fclose(maps) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, maps) > 0, let text = line {
            // start-end permissions offset device inode path: code of a file, which nobody can have written to.
            let fields = String(cString: text).split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let range = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard range.count == 2, range[1] > range[0] else { continue }
            _ = madvise(UnsafeMutableRawPointer(bitPattern: range[0]), Int(range[1] - range[0]), MADV_DONTNEED)
        }
    }
}
