internal import Glibc

/// Where results go: a table on stdout, JSON lines and pictures in a folder, progress on stderr.
public final class Report {
    private let program: String
    private let folder: String
    private var lines: [String] = []
    private let began = ContinuousClock.now

    /// - Parameters:
    ///   - program: what stands before each line of progress, and the name of the JSON lines.
    ///   - folder: where files go; it must be there.
    public init(_ program: String, folder: String) throws {
        self.program = program
        self.folder = folder
        guard access(folder, W_OK) == 0 else { throw ReportError.notWritable(folder) }
    }

    /// Why there is no report.
    public enum ReportError: Error, CustomStringConvertible {
        case notWritable(String)
        public var description: String {
            switch self {
            case .notWritable(let path): "expected a folder to write to, got \(path); create it or name another one"
            }
        }
    }

    /// A line of progress.
    public func progress(_ text: String) {
        let seconds = Int((ContinuousClock.now - began) / .seconds(1))
        let line = Array("\(program): \(seconds) s: \(text)\n".utf8)
        _ = Glibc.write(2, line, line.count)
    }

    /// A line of the table.
    public func row(_ cells: [String]) {
        print(
            cells.map { $0.count < 12 ? String(repeating: " ", count: 12 - $0.count) + $0 : $0 }.joined(separator: " "))
        fflush(nil)
    }

    /// One object of the JSON lines; values are written as they are.
    public func record(_ type: String, _ fields: [(String, String)]) {
        let body = fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
        lines.append("{\"type\":\"\(type)\",\(body)}")
    }

    /// Writes one chart.
    public func picture(_ name: String, _ chart: LineChart) throws { try write(name, chart.svg) }

    /// Writes several charts as one picture.
    public func picture(_ name: String, _ charts: [LineChart]) throws { try write(name, LineChart.stacked(charts)) }

    /// Writes the JSON lines.
    public func finish() throws { try write("\(program).jsonl", lines.joined(separator: "\n") + "\n") }

    private func write(_ name: String, _ text: String) throws {
        guard let file = fopen("\(folder)/\(name)", "w") else { throw ReportError.notWritable("\(folder)/\(name)") }
        fputs(text, file)
        fclose(file)
    }

    /// A number with so many digits after the point.
    public static func number(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "null" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        let whole = Int(scaled.magnitude)
        let unit = Int(scale)
        let rest = String(whole % unit)
        let fraction = digits == 0 ? "" : "." + String(repeating: "0", count: digits - rest.count) + rest
        return (scaled < 0 ? "-" : "") + String(whole / unit) + fraction
    }

    /// Bytes of memory that the process has in use.
    public static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 128)
        guard fgets(&buffer, 128, file) != nil else { return 0 }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}
