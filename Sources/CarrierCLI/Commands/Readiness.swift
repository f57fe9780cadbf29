import Glibc

/// Tells scripts where a node listens, without their having to poll.
enum Readiness {
    /// Writes to a descriptor that the process inherited, and closes it.
    static func write(_ lines: String, to descriptor: Int32) throws {
        var lines = lines
        let failure = lines.withUTF8 { Descriptors.writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
        if failure != 0 {
            throw Failure(.io, target: "--ready-fd \(descriptor)", "cannot write: \(Descriptors.reason(failure))")
        }
        close(descriptor)
    }

    /// Writes to a file, which appears whole, or to a FIFO, whose reader is waited for without holding up the node.
    static func write(_ lines: String, to path: String, _ console: Console) throws {
        var information = stat()
        if stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFIFO {
            // Opening a FIFO waits for its reader: a thread of the pool can wait, the node's loop cannot.
            Task.detached {
                let descriptor = open(path, O_WRONLY | O_CLOEXEC)
                do { try write(lines, to: descriptor) } catch { console.report(Failure(error, target: path)) }
            }
            return
        }
        let temporary = "\(path).\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw Failure(.exists, target: path, "cannot create: \(Descriptors.reason(errno))")
        }
        try write(lines, to: descriptor)
        guard rename(temporary, path) == 0 else {
            let reason = Descriptors.reason(errno)
            unlink(temporary)
            throw Failure(.io, target: path, "cannot write: \(reason)")
        }
    }

    /// Tells the service manager that started this process with `Type=notify`, if one did (sd_notify(3)). A manager that
    /// cannot be told is one that waits in vain and says so itself.
    static func notifyService() {
        guard let path = Environment.value("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@") else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? MemoryLayout<sa_family_t>.size
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            target.copyBytes(from: name)
            // An abstract name, of no file.
            if path.hasPrefix("@") { target[0] = 0 }
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let state = Array("READY=1".utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, state, state.count, 0, $0, socklen_t(offset + name.count))
            }
        }
    }
}
