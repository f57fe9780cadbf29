internal import BenchmarkReport
internal import CMalloc
internal import Glibc

/// What the process takes of the machine at one moment.
struct Machine {
    /// Resident memory, bytes.
    let resident = Report.residentBytes()
    /// Memory that was asked for and not given back, bytes: without what lies between and what the allocator keeps.
    let heap: Int
    /// Open descriptors.
    let descriptors: Int

    init() {
        let figures = mallinfo2()
        heap = Int(figures.uordblks) + Int(figures.hblkhd)
        descriptors = Self.countDescriptors()
    }

    private static func countDescriptors() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // The entries of the folder itself, its parent, and the descriptor that reads it.
        return count - 3
    }

    /// Lets the process have as many descriptors as the system allows it.
    ///
    /// - Returns: how many.
    static func raiseDescriptors() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }
}
