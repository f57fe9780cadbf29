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

let words = CommandLine.arguments
guard words.count > 1, let target = FuzzTarget.all.first(where: { $0.name == words[1] }) else {
    // Without a name: which there are, for the Makefile.
    for target in FuzzTarget.all { print(target.name) }
    exit(words.count > 1 ? 64 : 0)
}

private func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    do {
        try target.run(ByteBuffer(bytes: UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        fatalError("\(target.name): \(error)")
    }
    return 0
}

var arguments = [words[0], "-max_len=\(target.sizeLimit)"] + words.dropFirst(2)
var pointers = arguments.map { strdup($0) } + [nil]
var count = Int32(arguments.count)
pointers.withUnsafeMutableBufferPointer { pointers in
    guard var base = pointers.baseAddress else { return }
    _ = runDriver(&count, &base) { test($0, $1) }
}
