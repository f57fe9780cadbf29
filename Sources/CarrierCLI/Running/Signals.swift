import Glibc

/// Signals and how the process ends by them.
enum Signals {
    /// Those that ask for an end.
    static let stopping = [SIGINT, SIGTERM, SIGHUP]

    // Set once before the handlers are installed; a handler may touch nothing but plain memory.
    nonisolated(unsafe) private static var descriptor: Int32 = -1

    /// Makes the signals arrive as bytes, each its number, at `descriptor`; also those that the process inherited as
    /// ignored, as a shell's background jobs do.
    static func deliver(to descriptor: Int32) {
        self.descriptor = descriptor
        for signal in stopping + [SIGQUIT] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let saved = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(Signals.descriptor, &byte, 1)
                errno = saved
            }
            action.sa_flags = SA_RESTART
            sigaction(signal, &action, nil)
        }
    }

    /// Holds the signals back in this thread and in those that it starts, or lets them in.
    static func hold(_ isHeld: Bool) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in stopping + [SIGQUIT] { sigaddset(&set, signal) }
        pthread_sigmask(isHeld ? SIG_BLOCK : SIG_UNBLOCK, &set, nil)
    }

    /// From now on a write to nobody fails with EPIPE, so that there is time to clean up.
    static func ignorePipe() { signal(SIGPIPE, SIG_IGN) }

    /// Lets the signals kill again: for the second one.
    static func restoreDefaults() {
        for number in stopping { signal(number, SIG_DFL) }
    }

    /// Ends the process the way the signal would have.
    static func die(of number: Int32) -> Never {
        signal(number, SIG_DFL)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, number)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(number)
        // Not reached: all of these signals kill.
        _exit(128 + number)
    }

    /// Ends the process with a code. Threads may still run: what `exit` would tear down under them stays as it is.
    static func exit(_ code: ExitCode) -> Never { _exit(code.rawValue) }

    /// What a record says of a process that dies of the signal.
    static func name(_ number: Int32) -> String {
        switch number {
        case SIGINT: "interrupted"
        case SIGTERM: "terminated"
        case SIGHUP: "hangup"
        case SIGPIPE: "reader-gone"
        default: "signal \(number)"
        }
    }
}
