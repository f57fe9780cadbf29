internal import CarrierCrypto
internal import CarrierProtocols
internal import CarrierWire
internal import NIOCore

/// The hot paths, one at a time and often: for a tool that counts instructions (`Benchmarks/instructions.sh`).
///
///     carrier-paths PATH COUNT
@main
enum Paths: String, CaseIterable {
    case seal, open, encode, decode, deliver, lookup

    static func main() throws {
        let words = CommandLine.arguments.dropFirst()
        guard let path = words.first.flatMap(Paths.init), let count = words.last.flatMap(Int.init), count > 0 else {
            print("carrier-paths: expected one of \(allCases.map(\.rawValue).joined(separator: " ")) and a count")
            throw UsageError()
        }
        // What is made at the first use does not count.
        try path.walk(count: 64, counted: false)
        try path.walk(count: count, counted: true)
    }

    private struct UsageError: Error {}

    private func walk(count: Int, counted: Bool) throws {
        switch self {
        case .seal: try RecordPath().seal(count, counted)
        case .open: try RecordPath().open(count, counted)
        case .encode: FramePath().encode(count, counted)
        case .decode: try FramePath().decode(count, counted)
        case .deliver: try DeliveryPath().deliver(count, counted)
        case .lookup: try LookupSteps().walk(count, counted)
        }
    }
}

/// What is counted is what this calls: its name is all that the counting tool is told.
@inline(never)
func measured(_ body: () throws -> Void) rethrows { try body() }

func run(_ counted: Bool, _ body: () throws -> Void) rethrows {
    if counted { try measured(body) } else { try body() }
}
