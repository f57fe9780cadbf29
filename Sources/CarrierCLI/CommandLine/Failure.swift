/// Why a command, or its work for one target, came to nothing.
struct Failure: Error, CustomStringConvertible, Sendable {
    /// What the process exits with where this is all that happened.
    var code: ExitCode
    /// What it happened to: an address, an id, a file; nil for the command as a whole.
    var target: String?
    /// Expected, got, what to do next; without the target.
    var message: String

    init(_ code: ExitCode, target: String? = nil, _ message: String) {
        self.code = code
        self.target = target
        self.message = message
    }

    /// Any error as a failure; one that says no exit code is an internal error.
    init(_ error: any Error, target: String? = nil) {
        switch error {
        case let failure as Failure:
            self = failure
            self.target = failure.target ?? target
        case let error as any ExitCoded:
            let target = error.failureTarget ?? target
            // Some errors begin with what they are about; said once is enough.
            let message = target.map { String(error.failureMessage.trimmingPrefix("\($0): ")) }
            self.init(error.exitCode, target: target, message ?? error.failureMessage)
        default:
            self.init(.bug, target: target, "internal error: \(error)")
        }
    }

    var description: String { target.map { "\($0): \(message)" } ?? message }
}

/// An error of the library that knows its row of the exit-code table.
protocol ExitCoded: Error {
    var exitCode: ExitCode { get }
    /// What it happened to; nil unless the error says.
    var failureTarget: String? { get }
    /// The text for people; the error's description unless it says otherwise.
    var failureMessage: String { get }
}

extension ExitCoded {
    var failureTarget: String? { nil }
    var failureMessage: String { "\(self)" }
}
