/// What the process tells its caller: the same table for every subcommand (`carrier help exit-codes`).
enum ExitCode: Int32, CaseIterable, Sendable {
    case ok = 0
    case negative = 1
    case partial = 2
    case unreachable = 3
    case auth = 4
    case refused = 5
    case lost = 6
    case deadline = 7
    case usage = 64
    case data = 65
    case noinput = 66
    case bug = 70
    case exists = 73
    case io = 74
    case perm = 77

    /// The name in records: `unreachable`.
    var name: String { String(describing: self) }

    /// What happened, in words.
    var meaning: String {
        switch self {
        case .ok: "what was asked for happened"
        case .negative: "carried out, and the answer is no: no reply, not found, nothing decoded, puzzle below minimum"
        case .partial: "some targets, messages or frames yes, some no"
        case .unreachable: "no connection: name, route, refused port, connect timeout, no gateway, no bootstrap peer"
        case .auth: "reached, but handshake, pinned id, puzzle, signature or MAC failed; or another network"
        case .refused: "the other side said no: full, denied, router refused the mapping"
        case .lost: "the session broke after it was up; data may be short"
        case .deadline: "--timeout ran out first"
        case .usage: "wrong options or arguments"
        case .data: "malformed input"
        case .noinput: "missing input"
        case .bug: "internal error: please report it"
        case .exists: "the output file exists or cannot be created"
        case .io: "a write failed"
        case .perm: "a key file is open to others"
        }
    }

    /// One code for several targets: all well is 0, some well is 2, all failed alike is their code, else 1.
    static func combined(_ codes: some Sequence<ExitCode>) -> ExitCode {
        let distinct = Set(codes)
        guard let first = distinct.first else { return .ok }
        if distinct.count == 1 { return first }
        return distinct.contains(.ok) || distinct.contains(.partial) ? .partial : .negative
    }
}
