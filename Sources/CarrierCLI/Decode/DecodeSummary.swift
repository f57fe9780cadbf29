import CarrierCapture
import CarrierWire
import NIOCore

/// How many units of each kind there were: `decode --stats`.
struct DecodeSummary {
    /// What decides an input's exit code.
    struct Tally {
        var units = 0
        var gaps = 0
        var malformed = 0
        var failedChecks = 0
    }

    private struct Line {
        var count = 0
        var bytes: UInt64 = 0
        var malformed = 0
    }

    private var lines: [String: Line] = [:]
    private var gaps = Line()
    /// The kind of the last unit and its line: frames of one kind come in rows.
    private var current = (kind: "", line: Line())
    /// Plain frames, by opcode; those of applications in the place of opcode 0.
    private var plain = [(kind: StaticString, line: Line)](repeating: ("", Line()), count: 32)

    mutating func count(_ record: CaptureRecord, _ tally: inout Tally) {
        switch record.content {
        case .container: return
        case .gap:
            tally.gaps += 1
            gaps.count += 1
            gaps.bytes += record.length
        case .unit(let unit):
            tally.units += 1
            if unit.problem != nil { tally.malformed += 1 }
            if unit.failsCheck { tally.failedChecks += 1 }
            if current.kind != unit.kind {
                lines[current.kind] = current.line
                current = (unit.kind, lines[unit.kind] ?? Line())
            }
            current.line.count += 1
            current.line.bytes += record.length
            if unit.problem != nil { current.line.malformed += 1 }
        }
    }

    /// Counts a frame that is of a plain kind and well-formed.
    mutating func count(_ frame: PlainFrame, _ tally: inout Tally) {
        tally.units += 1
        let opcode = frame.header.opcode
        let index = opcode.isApplication ? 0 : Int(opcode.rawValue) % plain.count
        plain[index].kind = frame.kind
        plain[index].line.count += 1
        plain[index].line.bytes += UInt64(frame.bytes.count)
    }

    private var kinds: [(kind: String, line: Line)] {
        var lines = lines
        lines[current.kind] = current.line
        lines[""] = nil
        for (kind, line) in plain where line.count > 0 {
            var sum = lines["\(kind)"] ?? Line()
            sum.count += line.count
            sum.bytes += line.bytes
            lines["\(kind)"] = sum
        }
        return lines.sorted { ($1.value.bytes, $0.key) < ($0.value.bytes, $1.key) }.map { ($0.key, $0.value) }
    }

    private var total: Line {
        kinds.reduce(into: Line()) { total, kind in
            total.count += kind.line.count
            total.bytes += kind.line.bytes
            total.malformed += kind.line.malformed
        }
    }

    /// The record of `--json`.
    var json: ByteBuffer {
        var json = JSONBuffer()
        let total = total
        json.beginObject()
        json.key("type")
        json.plain("stats")
        json.key("frames")
        json.number(total.count)
        json.key("bytes")
        json.number(total.bytes)
        json.key("malformed")
        json.number(total.malformed)
        json.key("gaps")
        json.number(gaps.count)
        json.key("gap_bytes")
        json.number(gaps.bytes)
        json.key("kinds")
        json.beginObject()
        for (kind, line) in kinds {
            json.key(text: kind)
            json.beginObject()
            json.key("frames")
            json.number(line.count)
            json.key("bytes")
            json.number(line.bytes)
            json.key("malformed")
            json.number(line.malformed)
            json.endObject()
        }
        json.endObject()
        json.endObject()
        json.endLine()
        return json.take()
    }

    /// A table, the largest kinds first.
    var text: ByteBuffer {
        var rows = [["kind", "frames", "bytes", "malformed"]]
        for (kind, line) in kinds { rows.append([kind, "\(line.count)", "\(line.bytes)", "\(line.malformed)"]) }
        let total = total
        rows.append(["total", "\(total.count)", "\(total.bytes)", "\(total.malformed)"])
        rows.append(["gaps", "\(gaps.count)", "\(gaps.bytes)", "-"])
        let widths = (0..<4).map { column in rows.map { $0[column].utf8.count }.max() ?? 0 }
        var output = ByteBuffer()
        for row in rows {
            let cells = zip(row, widths).enumerated().map { column, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.utf8.count)
                return column == 0 ? cell.0 + padding : padding + cell.0
            }
            output.writeString(cells.joined(separator: "  ") + "\n")
        }
        return output
    }
}
