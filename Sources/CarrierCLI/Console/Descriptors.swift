import Glibc

/// What is done to file descriptors before and below everything else.
enum Descriptors {
    /// Opens descriptors 0 to 2 on /dev/null where the caller closed them, so that no socket or key file takes their
    /// place. The one for stdout can only be read: results that cannot go anywhere must fail, not vanish.
    static func openClosedStandardOnes() {
        for (descriptor, mode) in [(STDIN_FILENO, O_RDWR), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDWR)]
        where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            // The lowest free descriptor is taken, and all lower ones are open by now.
            _ = open("/dev/null", mode)
        }
    }

    /// Has the system let this process, and its children with it, open so many: as many as it can be asked for, and never fewer
    /// than before. Returns how many it allows.
    static func allow(_ count: Int) -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return count }
        let wanted = min(rlim_t(clamping: count), limit.rlim_max)
        if wanted > limit.rlim_cur {
            var raised = limit
            raised.rlim_cur = wanted
            if setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Writes all bytes with `write(2)`, waiting where the descriptor does not block; 0, or the `errno` of the failure.
    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
        var position = 0
        while position < bytes.count {
            let count = write(descriptor, bytes.baseAddress?.advanced(by: position), bytes.count - position)
            if count >= 0 {
                position += count
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&waiting, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }

    /// What `errno` means, in words.
    static func reason(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &text, text.count) == 0 else { return "error \(code)" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Sees to it that a child process gets none but the standard descriptors. Sockets are inherited unless they say otherwise,
    /// and a child that has them keeps connections open which the node has lost.
    static func keepFromChildren() {
        guard let folder = opendir("/proc/self/fd") else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let number = withUnsafeBytes(of: entry.pointee.d_name) { name in
                Int32(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)) ?? -1
            }
            if number > STDERR_FILENO { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        }
    }
}
