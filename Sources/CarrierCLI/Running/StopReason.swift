/// What ended a command from outside.
enum StopReason: Sendable, Equatable {
    /// INT, TERM or HUP.
    case signal(Int32)
    /// Nobody reads stdout any more.
    case readerGone
    /// stdout takes nothing any more: `errno`.
    case outputFailed(Int32)
    /// The command's deadline came first.
    case deadline
}
