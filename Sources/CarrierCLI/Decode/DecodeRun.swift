import CarrierCapture
import Glibc
import NIOCore

/// One run of `decode`: inputs in, records out, counted.
final class DecodeRun {
    private static let batchSize = 64 << 10

    // The command's own properties are looked up at each use, which costs more than a frame does.
    private let wantsJSON: Bool
    private let wantsStats: Bool
    private let isStrict: Bool
    private let only: KindFilter?
    private let options: CaptureDecoder.Options
    private let console: Console
    private let keyLog: KeyLogReader?
    private var json: JSONRenderer
    private var text: TextRenderer
    private var summary = DecodeSummary()
    /// What one input gave.
    private var tally = DecodeSummary.Tally()

    init(_ command: DecodeCommand, _ console: Console) {
        self.console = console
        wantsJSON = command.common.json
        wantsStats = command.stats
        isStrict = command.strict
        only = command.only
        json = JSONRenderer(showsPayload: command.payload)
        text = TextRenderer(showsPayload: command.payload, usesColour: console.output.style.isColoured)
        let keyLog = command.keylog.map { KeyLogReader($0, console.diagnostics) }
        self.keyLog = keyLog
        var options = CaptureDecoder.Options()
        options.form = command.form.form
        options.verifies = command.verify
        options.wantsContainers = wantsJSON && !wantsStats && only == nil
        options.wantsFields = !wantsStats
        if let keyLog { options.keys = keyLog.keys }
        self.options = options
    }

    func run(_ paths: [String]) throws -> ExitCode {
        let plain: ((PlainFrame) throws -> Void)? =
            wantsStats ? { self.summary.count($0, &self.tally) } : wantsJSON && only == nil ? { self.show($0) } : nil
        let decoder = CaptureDecoder(options, plain: plain) { try self.take($0) }
        var codes: [ExitCode] = []
        var isFirst = true
        for path in paths where !Task.isCancelled {
            do {
                let input = try InputFile(path) { [unowned self] in write() }
                keyLog?.isLive = input.isLive
                if isFirst { try keyLog?.load(mayCome: input.isLive) }
                isFirst = false
                tally = DecodeSummary.Tally()
                defer { write() }
                try decoder.decode(input.next)
                codes.append(code)
            } catch let failure as Failure where failure.code == .noinput && paths.count > 1 {
                console.report(failure)
                codes.append(failure.code)
            }
        }
        if wantsStats { show(summary) }
        return ExitCode.combined(codes)
    }

    private var code: ExitCode {
        if tally.failedChecks > 0 { return .auth }
        if tally.units == 0 { return .negative }
        return tally.gaps > 0 || tally.malformed > 0 ? .partial : .ok
    }

    private func take(_ record: CaptureRecord) throws {
        summary.count(record, &tally)
        if !wantsStats, only?.contains(record) ?? true {
            if wantsJSON { json.render(record) } else { text.render(record) }
            if json.pendingBytes + text.pendingBytes >= Self.batchSize { write() }
        }
        if isStrict, let problem = problem(of: record) {
            write()
            throw Failure(.data, "offset \(record.offset): \(problem)")
        }
    }

    private func show(_ frame: PlainFrame) {
        tally.units += 1
        json.render(frame)
        if json.pendingBytes >= Self.batchSize { write() }
    }

    private func problem(of record: CaptureRecord) -> String? {
        switch record.content {
        case .unit(let unit): unit.problem
        case .gap(let reason): "gap of \(record.length) bytes: \(reason)"
        case .container: nil
        }
    }

    private func write() {
        json.drain { if !$0.isEmpty { console.output.write($0) } }
        text.drain { if !$0.isEmpty { console.output.write($0) } }
    }

    private func show(_ summary: DecodeSummary) {
        let bytes = wantsJSON ? summary.json : summary.text
        bytes.withUnsafeReadableBytes { console.output.write($0) }
    }
}

/// One run of `decode --encode`: records in, bytes out.
struct EncodeRun {
    private let console: Console

    init(_ console: Console) { self.console = console }

    func run(_ paths: [String], isStrict: Bool) throws -> ExitCode {
        var hasGaps = false
        for path in paths where !Task.isCancelled {
            var records = RecordText()
            let input = try InputFile(path) {}
            var isAtEnd = false
            while !isAtEnd {
                var bytes = ByteBuffer()
                if let piece = try input.next() {
                    records.feed(piece, into: &bytes)
                } else {
                    isAtEnd = true
                    records.finish(into: &bytes)
                }
                if bytes.readableBytes > 0 { bytes.withUnsafeReadableBytes { console.output.write($0) } }
                for gap in records.takeGaps() {
                    let failure = Failure(
                        .data, target: input.name,
                        "offset \(gap.offset): \(gap.length) bytes passed over: \(gap.reason)")
                    if isStrict { throw failure }
                    console.report(failure)
                    hasGaps = true
                }
            }
        }
        return hasGaps ? .data : .ok
    }
}
