internal import Glibc

/// Where results go: a table on stdout, JSON lines and pictures in a folder, progress on stderr.
///
/// Each line is in its file as soon as it is known, so that a run that is cut short leaves what it has measured.
public final class Report {
    private let program: String
    private let folder: String
    private let records: UnsafeMutablePointer<FILE>
    private let began = ContinuousClock.now

    /// - Parameters:
    ///   - program: what stands before each line of progress, and the name of the JSON lines.
    ///   - folder: where files go; made if it is not there.
    public init(_ program: String, folder: String) throws {
        self.program = program
        self.folder = folder
        if mkdir(folder, 0o777) != 0, errno != EEXIST { throw ReportError.notWritable(folder) }
        records = try Self.open("\(folder)/\(program).jsonl")
    }

    deinit { fclose(records) }

    /// Why there is no report.
    public enum ReportError: Error, CustomStringConvertible {
        case notWritable(String)
        public var description: String {
            switch self {
            case .notWritable(let path): "expected a path to write to, got \(path); name another folder"
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
        fputs("{\"type\":\"\(type)\",\(body)}\n", records)
        fflush(records)
    }

    /// Writes one chart.
    public func picture(_ name: String, _ chart: LineChart) throws { try write(name, chart.svg) }

    /// Writes several charts as one picture.
    public func picture(_ name: String, _ charts: [LineChart]) throws { try write(name, LineChart.stacked(charts)) }

    private func write(_ name: String, _ text: String) throws {
        let file = try Self.open("\(folder)/\(name)")
        fputs(text, file)
        fclose(file)
    }

    private static func open(_ path: String) throws -> UnsafeMutablePointer<FILE> {
        guard let file = fopen(path, "w") else { throw ReportError.notWritable(path) }
        return file
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
