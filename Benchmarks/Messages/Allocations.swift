import Glibc

/// How often the program has asked for memory, where `allocations.c` was loaded before it (`Benchmarks/bench.py` does).
enum Allocations {
    private static let counter: (@convention(c) () -> UInt64)? = {
        guard let symbol = dlsym(nil, "carrier_bench_allocations") else { return nil }
        return unsafeBitCast(symbol, to: (@convention(c) () -> UInt64).self)
    }()

    /// The count since the start; nil where nobody counts.
    static var count: UInt64? { counter?() }
}

/// The processor's time that the program has used, in seconds.
enum ProcessorTime {
    static var used: Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
