import Glibc

/// The process's environment variables.
enum Environment {
    /// The variable's value; nil where it is not set or empty.
    static func value(_ name: String) -> String? {
        guard let raw = getenv(name), raw.pointee != 0 else { return nil }
        return String(cString: raw)
    }

    /// All variables but these, as `NAME=value`: for a child process.
    static func inherited(without names: Set<String>) -> [String] {
        var found: [String] = []
        var entry = environ
        while let text = entry.pointee {
            let variable = String(cString: text)
            if !names.contains(String(variable.prefix { $0 != "=" })) { found.append(variable) }
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
