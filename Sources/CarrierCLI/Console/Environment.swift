import Glibc

/// The process's environment variables.
enum Environment {
    /// The variable's value; nil where it is not set or empty.
    static func value(_ name: String) -> String? {
        guard let raw = getenv(name), raw.pointee != 0 else { return nil }
        return String(cString: raw)
    }

    /// What the runtime's threads have to say goes to the system's log otherwise: at each start, that an ordinary user may not
    /// raise their priority.
    static func keepRuntimeOutOfTheSystemLog() { setenv(runtimeLog, "NO", 0) }
    private static let runtimeLog = "LIBDISPATCH_LOG"

    /// All variables but these, as `NAME=value`: for a child process, which gets none of our own either.
    static func inherited(without names: Set<String>) -> [String] {
        var found: [String] = []
        var entry = environ
        while let text = entry.pointee {
            let variable = String(cString: text)
            let isOurs = variable == "\(runtimeLog)=NO"
            if !isOurs && !names.contains(String(variable.prefix { $0 != "=" })) { found.append(variable) }
            entry += 1
        }
        return found
    }

    /// `${XDG_CONFIG_HOME:-~/.config}/carrier`; nil where there is no home either.
    static var configurationDirectory: String? {
        // Relative paths in XDG variables are invalid and to be ignored (XDG Base Directory Specification).
        if let directory = value("XDG_CONFIG_HOME"), directory.hasPrefix("/") { return "\(directory)/carrier" }
        return value("HOME").map { "\($0)/.config/carrier" }
    }
}
