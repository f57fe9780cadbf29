import Foundation
import Glibc
import Testing

@Suite("carrier decode")
struct DecodeTests {
    /// A ping with nonce 7 and 32 bytes, five stray bytes, and a stream's last frame.
    private static let ping = "200000000a000000010000000700000000" + String(repeating: "61", count: 31)
    private static let dump = ping + "7878787878" + "0500000001000000080000000000000068656c6c6f"

    private func scratch() async throws -> Scratch {
        let scratch = try Scratch()
        try scratch.write(Self.dump, to: "hex")
        let made = try await scratch.shell("xxd -r -p hex dump")
        #expect(made.code == 0, "\(made)")
        return scratch
    }

    @Test("frames and gaps, a line each, and exit 2 for some of both", .enabled(if: Scratch.has("xxd")))
    func text() async throws {
        let outcome = try await scratch().carrier("decode", "dump")
        #expect(outcome.code == 2)
        #expect(
            outcome.output == """
                #1 @0     48B ping             nonce=7  flags=[request]  32 bytes
                   @48     5B gap              no frame start
                #2 @53    21B bytes            flags=[end-of-stream]  5 bytes

                """)
    }

    @Test("there and back: any file comes out as it went in", .enabled(if: Scratch.has("xxd")))
    func thereAndBack() async throws {
        let scratch = try await scratch()
        let outcome = try await scratch.shell(
            """
            set +o pipefail
            head -c 300000 /dev/urandom >noise; : >empty; xxd dump >columns; base64 dump >base64
            carrier decode --json dump >json
            cat dump noise dump >mixed
            head -c 1000000 "$(command -v carrier)" >program
            for X in dump hex noise empty columns base64 json mixed program; do
                carrier decode --json "$X" | carrier decode --encode | cmp - "$X" || echo "differs: $X"
            done
            """, limit: .seconds(120))
        #expect(outcome.output == "", "\(outcome)")
    }

    @Test("JSON has a record a line and ends with one end", .enabled(if: Scratch.has("xxd")))
    func json() async throws {
        let outcome = try await scratch().carrier("decode", "--json", "--payload", "dump")
        let records = outcome.lines.compactMap { JSONRecord(String($0)) }
        #expect(records.map(\.type) == ["frame", "gap", "frame", "end"])
        #expect(records.first?["kind"]?.text == "ping" && records[2]["text"]?.text == "hello")
    }

    @Test("--only, --stats, --strict and the exit codes", .enabled(if: Scratch.has("xxd")))
    func options() async throws {
        let scratch = try await scratch()
        #expect(try await scratch.carrier("decode", "--only", "bytes,11", "dump").lines.count == 1)
        let stats = try await scratch.carrier("decode", "--stats", "dump")
        #expect(stats.lines.count == 5 && stats.output.contains("ping"), "\(stats)")
        let strict = try await scratch.carrier("decode", "--strict", "dump")
        #expect(strict.code == 65 && strict.errors.contains("offset 48"), "\(strict)")
        #expect(try await scratch.carrier("decode", "none").code == 66)
        #expect(try await scratch.carrier("decode", "/dev/null").code == 1)
        #expect(try await scratch.carrier("decode", "--only", "pinge", "dump").code == 64)
        #expect(try await scratch.carrier("decode", "--encode", "--json", "dump").code == 64)
        try scratch.write("{\"type\":\"frame\",\"raw_b64\":\"?\"}\n", to: "broken")
        #expect(try await scratch.carrier("decode", "--encode", "broken").code == 65)
    }

    @Test("a pipe that still grows shows each frame as it is complete")
    func growing() async throws {
        let scratch = try Scratch()
        let child = try scratch.start("decode", "--in", "hex", "-", input: true)
        child.write(Self.ping + "\n")
        let line = await child.line { $0.contains("ping") }
        #expect(line != nil)
        child.write(Self.ping + "\n")
        child.closeInput()
        let outcome = await child.outcome()
        #expect(outcome.code == 0 && outcome.lines.count == 2, "\(outcome)")
    }

    @Test("a gone reader is death by SIGPIPE, a full disk is exit 74", .enabled(if: Scratch.has("xxd")))
    func brokenOutput() async throws {
        let scratch = try await scratch()
        let script = """
            set +o pipefail
            for N in $(seq 14); do cat dump dump >two; mv two dump; done
            carrier decode --json dump | head -n 1 | cut -c 1-16; echo "${PIPESTATUS[0]}"
            carrier decode dump >/dev/full; echo $?
            carrier decode --stats dump >/dev/full; echo $?
            carrier decode --json dump >json; carrier decode --encode json >/dev/full; echo $?
            """
        let outcome = try await scratch.shell(script, limit: .seconds(60))
        #expect(outcome.lines == ["{\"type\":\"frame\",", "141", "74", "74", "74"], "\(outcome)")
    }

    @Test("memory does not follow the length of the input", arguments: ["frames", "noise", "recording", "json"])
    func boundedMemory(kind: String) async throws {
        let scratch = try Scratch()
        let body = [UInt8](repeating: 0x61, count: 1000)
        let frame: [UInt8] = [0xe8, 3, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + body
        let packet =
            Array(repeating: UInt8(0), count: 8) + [0x1a, 4, 0, 0, 0x1a, 4, 0, 0, 1, 0]
            + [UInt8](repeating: 9, count: 32)
        let header: [UInt8] = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 147, 0, 0, 0]
        let unit: [UInt8] =
            switch kind {
            case "frames": frame
            case "recording": packet + frame
            case "json": Array("{\"type\":\"frame\",\"raw_b64\":\"\(Data(frame).base64EncodedString())\"}\n".utf8)
            default: (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 ^ $0 >> 3) | 1 }
            }
        let block = Data((0..<256).flatMap { _ in unit })
        try block.write(to: URL(fileURLWithPath: "\(scratch.path)/block"))
        try Data(kind == "recording" ? header : []).write(to: URL(fileURLWithPath: "\(scratch.path)/header"))
        let script = """
            mkfifo pipe; carrier decode --json pipe >/dev/null & P=$!
            exec 3>pipe; cat header block block block block >&3; grep VmHWM "/proc/$P/status"
            for N in $(seq 32); do cat block >&3; done; grep VmHWM "/proc/$P/status"
            exec 3>&-; wait $P || true
            """
        let outcome = try await scratch.shell(script, limit: .seconds(100))
        let peaks = outcome.lines.compactMap { Int($0.split(separator: " ").dropFirst().first ?? "") }
        try #require(peaks.count == 2, "\(outcome)")
        #expect(peaks[1] - peaks[0] < 3072, "\(peaks) KiB")
    }

    @Test("a signal ends it while it waits for a pipe")
    func signal() async throws {
        let scratch = try Scratch()
        let child = try scratch.start("decode", "--json", "--in", "hex", "-", input: true)
        child.write(Self.ping + "\n")
        _ = await child.line { $0.contains("ping") }
        child.send(SIGTERM)
        let outcome = await child.outcome()
        #expect(outcome.code == -SIGTERM, "\(outcome)")
        #expect(outcome.output.contains("\"terminated\""), "\(outcome)")
    }
}
