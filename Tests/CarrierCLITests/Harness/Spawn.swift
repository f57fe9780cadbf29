import Glibc

/// A system call that failed in the harness itself.
struct HarnessError: Error, CustomStringConvertible {
    let description: String

    init(_ operation: String, _ code: Int32 = errno) {
        description = "\(operation): \(String(cString: strerror(code)))"
    }
}

/// Starting processes and threads.
enum Spawn {
    /// Starts a process; `descriptors` become its 0, 1, 2, and it has no others.
    static func start(
        _ program: String, _ arguments: [String], _ environment: [String: String], _ directory: String,
        descriptors: [Int32]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (index, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(index))
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        // There is no file action for the directory in this module, so a shell changes it.
        let inDirectory = ["sh", "-c", #"cd "$0" && exec "$@""#, directory, program] + arguments
        var argv = inDirectory.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, "/bin/sh", &actions, &attributes, &argv, &envp)
        guard failure == 0 else { throw HarnessError("cannot start \(program)", failure) }
        return pid
    }

    /// The status of a process that has ended; nil while it runs.
    static func reap(_ pid: pid_t) -> Int32? {
        var status: Int32 = 0
        return waitpid(pid, &status, WNOHANG) == pid ? status : nil
    }

    /// Runs `body` on a thread of its own, so that tests wait without holding one of the pool's few.
    static func thread(_ body: @escaping @Sendable () -> Void) throws {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let box = Unmanaged.passRetained(Box(body))
        let failure = pthread_create(
            &thread, &attributes,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        if failure != 0 {
            box.release()
            throw HarnessError("pthread_create", failure)
        }
    }
}

/// Descriptors that no child inherits by accident.
enum Pipe {
    /// A pipe: our end and theirs, which is for reading by them unless `reading` is ours.
    static func make(reading: Bool = false) throws -> (ours: Int32, theirs: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw HarnessError("pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return reading ? (ends[0], ends[1]) : (ends[1], ends[0])
    }

    static func open(_ path: String) throws -> Int32 {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw HarnessError(path) }
        return descriptor
    }
}
