import CarrierFuzzing
import Glibc
import NIOCore

// Feeds a target whatever libFuzzer makes up: `carrier-fuzz TARGET [FLAG…] [CORPUS…]`. See Fuzz/README.md.

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

private enum Driver {
    nonisolated(unsafe) static var target: FuzzTarget?

    /// libFuzzer's `LLVMFuzzerTestOneInput`.
    static let test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32 = { bytes, count in
        do {
            try target?.run(ByteBuffer(bytes: UnsafeBufferPointer(start: bytes, count: count)))
        } catch {
            fatalError("\(error)")
        }
        return 0
    }
}

private var words = CommandLine.arguments
private func target(named name: String?) -> FuzzTarget? { FuzzTarget.all.first { $0.name == name } }

// libFuzzer starts itself again to merge corpora, without the name: that stays in the environment.
private let variable = "CARRIER_FUZZ_TARGET"
if words.count > 1, target(named: words[1]) != nil { setenv(variable, words.remove(at: 1), 1) }
Driver.target = target(named: getenv(variable).map { String(cString: $0) })
if let target = Driver.target {
    var pointers = ([words[0], "-max_len=\(target.sizeLimit)"] + words.dropFirst()).map { strdup($0) } + [nil]
    var count = Int32(pointers.count - 1)
    pointers.withUnsafeMutableBufferPointer { pointers in
        guard var base = pointers.baseAddress else { return }
        _ = runDriver(&count, &base, Driver.test)
    }
} else {
    // Without a name: which there are.
    for target in FuzzTarget.all { print(target.name) }
    exit(words.count > 1 ? 64 : 0)
}
