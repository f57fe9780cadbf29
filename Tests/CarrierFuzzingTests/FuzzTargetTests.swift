import CarrierFuzzing
import Foundation
import NIOCore
import Testing

@Suite("What the fuzzer drives")
struct FuzzTargetTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fuzz")

    private static func inputs(_ kind: String, _ target: FuzzTarget) throws -> [(name: String, bytes: ByteBuffer)] {
        let folder = folder.appending(path: "\(kind)/\(target.name)")
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).map {
            ($0.lastPathComponent, ByteBuffer(bytes: try Data(contentsOf: $0)))
        }
    }

    @Test("Every input that once failed, and every one of the corpora", arguments: FuzzTarget.all.map(\.name))
    func knownInputs(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let known = try Self.inputs("Corpus", target)
        #expect(!known.isEmpty)
        for (file, bytes) in try known + Self.inputs("FailCases", target) {
            #expect(throws: Never.self, "\(name)/\(file)") { try target.run(bytes) }
        }
    }

    @Test("Changed and made up inputs", arguments: FuzzTarget.all.map(\.name))
    func newInputs(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        var random = SeededRandom(state: 11)
        let known = try Self.inputs("Corpus", target).sorted { $0.name < $1.name }.map(\.bytes)
        for number in 0..<150 {
            var bytes = known.randomElement(using: &random) ?? ByteBuffer()
            if number % 3 == 0 || bytes.readableBytes == 0 {
                bytes = ByteBuffer(bytes: (0..<Int.random(in: 0..<300, using: &random)).map { _ in random.byte() })
            } else {
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    bytes.setInteger(random.byte(), at: Int.random(in: 0..<bytes.readableBytes, using: &random))
                }
            }
            #expect(throws: Never.self, "\(name): \(Data(bytes.readableBytesView).base64EncodedString())") {
                try target.run(bytes)
            }
        }
    }
}

/// The same numbers on each run.
private struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ state >> 33) &* 0xff51_afd7_ed55_8ccd
    }

    mutating func byte() -> UInt8 { UInt8.random(in: 0...255, using: &self) }
}
