import Glibc

/// What a running command has of the outside: stdout, stderr, and who may stop it.
struct Console: Sendable {
    /// Results.
    let output: Output
    /// Everything that is no result.
    let diagnostics: Diagnostics
    /// Signals, deadline, reader.
    let supervisor: Supervisor
    /// The options that every command has.
    let options: CommonOptions
    private let started = ContinuousClock.now

    init(_ options: CommonOptions) {
        let supervisor = Supervisor()
        self.options = options
        self.supervisor = supervisor
        let diagnostics = Diagnostics(isQuiet: options.quiet, color: options.color)
        var clear: (@Sendable () -> Void)?
        if diagnostics.showsProgress, isatty(STDOUT_FILENO) == 1 { clear = { diagnostics.endProgress() } }
        self.diagnostics = diagnostics
        output = Output(
            isJSON: options.json, style: .chosen(options.color, for: STDOUT_FILENO),
            clear: clear
        ) { reason in
            supervisor.stop(reason)
        }
    }

    /// Says that something failed, on stderr and in the stream of records. The command goes on.
    func report(_ failure: Failure) {
        diagnostics.error(failure.description)
        if output.isJSON { output.emit(ErrorRecord(failure)) }
    }
}

extension Console {
    /// Runs a command from its parsed options to the end of the process.
    static func run(_ command: any CarrierCommand) -> Never {
        let console = Console(command.common)
        StandardErrorLog.install(verbosity: command.common.verbosity, console.diagnostics)
        console.supervisor.run(
            deadline: command.deadline, readerPatience: command.readerPatience,
            {
                let code = await console.perform(command)
                console.finish(command, code)
            },
            status: { console.diagnostics.status($0) },
            giveUp: { console.giveUp(command, $0) })
    }

    private func perform(_ command: any CarrierCommand) async -> ExitCode {
        do {
            return try await command.perform(self)
        } catch {
            // A command that was stopped fails in many ways, and none of them is news.
            if supervisor.reason != nil { return .ok }
            let failure = Failure(error)
            diagnostics.endProgress()
            report(failure)
            return failure.code
        }
    }

    /// The orderly end: the last record, everything written, then the code or the signal.
    private func finish(_ command: any CarrierCommand, _ code: ExitCode) -> Never {
        diagnostics.endProgress()
        let reason = supervisor.reason
        if reason == .deadline { report(Failure(.deadline, deadlineMessage(command))) }
        if let end = endRecord(command, reason, code) { output.emit(end) }
        output.finish()
        // Writing the rest may have failed just now.
        end(supervisor.reason, code)
    }

    /// The end of a command that does not come to an end.
    private func giveUp(_ command: any CarrierCommand, _ reason: StopReason) -> Never {
        // Whatever blocks from here on, a further signal ends it.
        Signals.restoreDefaults()
        if reason == .deadline { diagnostics.error(deadlineMessage(command)) }
        output.finishAtOnce(with: endRecord(command, reason, .deadline))
        end(reason, .deadline)
    }

    private func deadlineMessage(_ command: any CarrierCommand) -> String {
        "not done within \(command.deadline.map { "\(DurationArgument($0))" } ?? "the time given"); try a longer --timeout"
    }

    private func endRecord(_ command: any CarrierCommand, _ reason: StopReason?, _ code: ExitCode) -> EndRecord? {
        guard command.endsWithRecord, output.isJSON else { return nil }
        let (exit, name) =
            switch reason {
            case .signal(let number): (128 + number, Signals.name(number))
            case .readerGone: (128 + SIGPIPE, Signals.name(SIGPIPE))
            case .outputFailed: (ExitCode.io.rawValue, ExitCode.io.name)
            case .deadline: (ExitCode.deadline.rawValue, ExitCode.deadline.name)
            case nil: (code.rawValue, code.name)
            }
        return EndRecord(exit: exit, reason: name, elapsed: .now - started)
    }

    private func end(_ reason: StopReason?, _ code: ExitCode) -> Never {
        switch reason {
        case .signal(let number): Signals.die(of: number)
        case .readerGone: Signals.die(of: SIGPIPE)
        case .outputFailed(let number):
            diagnostics.error("cannot write to stdout: \(Descriptors.reason(number))")
            Signals.exit(.io)
        case .deadline: Signals.exit(.deadline)
        case nil: Signals.exit(code)
        }
    }
}
