internal import CMalloc

/// How the program's allocator treats freed memory.
enum Memory {
    /// Freed memory that the program keeps at most, and the least allocation that the system is asked for by itself.
    private static let kept: Int32 = 8 << 20

    /// Keeps memory that was freed for the next buffers: by default a transfer gives each of its buffers back to the system and
    /// takes it anew, page by page, twenty thousand times a GiB.
    static func keepForReuse() {
        _ = mallopt(M_MMAP_THRESHOLD, kept)
        _ = mallopt(M_TRIM_THRESHOLD, kept)
    }
}
