import Glibc
import Logging

/// The library's log, on stderr, for `CARRIER_LOG` and `--verbose`.
struct StandardErrorLog: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var values = metadata
        if let own = event.metadata { values.merge(own) { _, new in new } }
        let pairs = values.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        Diagnostics.line("\(event.level): \(event.message)\(pairs)")
    }

    /// Sends every logger of the process here; must come before the first one is made.
    ///
    /// - Parameter verbosity: how often `-v` was given: once is `info`, twice `debug`, three times `trace`. Where it was
    ///   not, `CARRIER_LOG` says; else `warning`.
    static func install(verbosity: Int, _ diagnostics: Diagnostics) {
        let level = level(verbosity: verbosity, diagnostics)
        LoggingSystem.bootstrap { _ in StandardErrorLog(logLevel: level) }
    }

    private static func level(verbosity: Int, _ diagnostics: Diagnostics) -> Logger.Level {
        switch verbosity {
        case 0: break
        case 1: return .info
        case 2: return .debug
        default: return .trace
        }
        guard let name = Environment.value("CARRIER_LOG") else { return .warning }
        if let level = Logger.Level(rawValue: name) { return level }
        diagnostics.warning("CARRIER_LOG: expected warning, info, debug or trace, got \"\(name)\"; taking warning")
        return .warning
    }
}
