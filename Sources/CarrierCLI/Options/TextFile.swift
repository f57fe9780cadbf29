import Carrier
import Glibc

/// Small text files and what the machine has.
enum TextFile {
    static func exists(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0
    }

    /// The file's text, at most 1 MiB of it; nil where there is no such file.
    static func read(_ path: String) throws -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Failure(.noinput, target: path, "cannot read: \(Descriptors.reason(errno))")
        }
        defer { close(descriptor) }
        return try read(descriptor, named: path)
    }

    /// The words of a file, or of stdin for `-`: one a line, without blank lines and what follows a `#`.
    static func lines(of path: String) throws -> [String] {
        let text = try path == "-" ? read(STDIN_FILENO, named: "stdin") : read(path)
        guard let text else { throw Failure(.noinput, target: path, "no such file") }
        return text.split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            return words.first.map { String($0) }
        }
    }

    private static func read(_ descriptor: Int32, named path: String) throws -> String {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(descriptor, &block, block.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw Failure(.noinput, target: path, "cannot read: \(Descriptors.reason(errno))")
            }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: block.prefix(count))
            if bytes.count > 1 << 20 { throw Failure(.data, target: path, "expected at most 1 MiB, got more") }
        }
    }
}

/// How many processors this process may use.
enum Processors {
    static var count: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
