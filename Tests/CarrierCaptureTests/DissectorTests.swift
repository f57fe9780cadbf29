import CarrierCapture
import CarrierCrypto
import CarrierWire
import Foundation
import NIOCore
import Testing

@Suite("The Wireshark dissector reads recordings as decode does")
struct DissectorTests {
    private static let tshark = ["/usr/bin/tshark", "/usr/local/bin/tshark"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "share/carrier.lua")

    /// A line a packet: the named fields with tabs between.
    private func rows(_ capture: ByteBuffer, _ fields: [String]) throws -> [[String]] {
        let file = FileManager.default.temporaryDirectory.appending(path: "carrier-\(UUID().uuidString).pcap")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(capture.readableBytesView).write(to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.tshark))
        process.arguments =
            ["-X", "lua_script:\(Self.script.path)", "-r", file.path, "-T", "fields"] + fields.flatMap { ["-e", $0] }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self).split(separator: "\n")
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }

    @Test(
        "Every message: kind, nonce, peer, direction, and nothing malformed",
        .enabled(if: DissectorTests.tshark != nil, "needs tshark"))
    func everyMessage() throws {
        let rows = try rows(
            try Samples.recording(),
            [
                "carrier.kind", "carrier.nonce", "carrier.direction", "carrier.peer", "carrier.malformed",
                "_ws.lua.error",
            ])
        let frames = try Samples.frames()
        try #require(rows.count == frames.count)
        for (index, (row, frame)) in zip(rows, frames).enumerated() {
            #expect(row[0] == (frame.opcode.isApplication ? "application" : frame.opcode.description))
            #expect(row[1] == "\(frame.nonce)" && row[2] == "\(index % 2)")
            #expect(row[3] == Samples.identity.peerID.description)
            #expect(row[4] == "" && row[5] == "", "\(row)")
        }
    }

    @Test(
        "Damaged bodies are marked, never an error of the script",
        .enabled(if: DissectorTests.tshark != nil, "needs tshark"))
    func damaged() throws {
        var capture = CaptureWriter.fileHeader
        var random = SeededRandom(seed: 4)
        for opcode in 2..<25 {
            for count in [0, 1, 5, 20, 200] {
                let body = ByteBuffer(bytes: random.bytes(count))
                CaptureWriter.write(
                    Frame(Opcode(UInt32(opcode)), body: body), .sent, peer: Samples.identity.peerID, time: 0,
                    to: &capture)
            }
        }
        let rows = try rows(capture, ["carrier.kind", "carrier.malformed", "_ws.lua.error"])
        #expect(rows.count == 115)
        #expect(rows.allSatisfy { $0[2] == "" })
        #expect(rows.contains { $0[1] != "" })
    }
}
