import Glibc
import Synchronization

/// The process's stderr: what people read. A write that fails is nobody's business.
final class Diagnostics: Sendable {
    private let isQuiet: Bool
    private let isTerminal: Bool
    private let style: Style
    /// How many columns the progress line takes at the moment.
    private let progressWidth = Mutex(0)

    init(isQuiet: Bool, color: Style.Choice) {
        self.isQuiet = isQuiet
        isTerminal = isatty(STDERR_FILENO) == 1
        style = .chosen(color, for: STDERR_FILENO)
    }

    /// Something went wrong.
    func error(_ message: String) { put("\(style.red("carrier:")) \(escaped(message))") }

    /// Something should be changed.
    func warning(_ message: String) { put("\(style.yellow("carrier:")) warning: \(escaped(message))") }

    /// Something good to know; left out with `--quiet`.
    func note(_ message: String) {
        if !isQuiet { put("carrier: \(escaped(message))") }
    }

    /// What was asked for, by SIGQUIT say: printed with `--quiet` too.
    func status(_ message: String) { put("carrier: \(escaped(message))") }

    /// Whether a progress line would be seen.
    var showsProgress: Bool { isTerminal && !isQuiet }

    /// How many columns the progress line has beside its `carrier: `; 70 where the terminal does not say.
    var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 70 }
        return max(20, Int(size.ws_col) - 10)
    }

    /// Replaces the progress line; only a terminal has one.
    func progress(_ message: String) {
        guard showsProgress else { return }
        progressWidth.withLock { width in
            let text = "carrier: \(message)"
            Self.write("\r\(text)\(String(repeating: " ", count: max(0, width - text.count)))")
            width = text.count
        }
    }

    /// Takes the progress line away.
    func endProgress() { progressWidth.withLock { clear(&$0) } }

    private func put(_ line: String) {
        progressWidth.withLock { width in
            clear(&width)
            Self.write(line + "\n")
        }
    }

    private func clear(_ width: inout Int) {
        if width > 0 { Self.write("\r\(String(repeating: " ", count: width))\r") }
        width = 0
    }

    /// `carrier: MESSAGE`, where there is no console yet.
    static func line(_ message: String) { write("carrier: \(escaped(message))\n") }

    /// Text as it is, with a line end.
    static func plain(_ text: String) { write(text.hasSuffix("\n") ? text : text + "\n") }

    private static func write(_ text: String) {
        var text = text
        _ = text.withUTF8 { Descriptors.writeAll(UnsafeRawBufferPointer($0), to: STDERR_FILENO) }
    }
}
