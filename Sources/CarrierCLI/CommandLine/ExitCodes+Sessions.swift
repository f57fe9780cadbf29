import Carrier
import CarrierProtocols
import CarrierTransport
import CarrierWire

// Which row of the exit-code table an error of a session is.

extension LinkError: ExitCoded {
    var exitCode: ExitCode {
        switch self {
        case .unsupportedScheme: .usage
        case .handshake: .auth
        case .reset, .endOfStream, .closedHere: .lost
        case .refused, .timeout, .nameNotFound, .unreachable, .outOfResources, .cannotBind: .unreachable
        }
    }
}

extension HandshakeError: ExitCoded {
    var exitCode: ExitCode {
        if case .crypto = self { .bug } else { .auth }
    }
}

extension DialError: ExitCoded {
    var exitCode: ExitCode {
        switch self {
        case .noAddress: .usage
        case .unreachable(_, let error): error.exitCode
        case .timeout: .unreachable
        case .handshake(_, let error): error.exitCode
        case .rejected(_, let cause): cause.exitCode(hasSpoken: false)
        case .tooManyConnections: .refused
        case .shuttingDown: .lost
        }
    }
}

extension DisconnectCause {
    /// - Parameter hasSpoken: whether the peer had sent anything before; a good-bye as its first word is a refusal.
    func exitCode(hasSpoken: Bool) -> ExitCode {
        switch self {
        case .broken: return .lost
        case .local(let reason, _), .remote(let reason, _):
            switch reason {
            case .networkMismatch, .puzzleNotSolved: return .auth
            case .tooManyConnections, .duplicateConnection: return .refused
            case .applicationClosed where !hasSpoken: return .refused
            case .protocolError where !hasSpoken: return .auth
            default: return .lost
            }
        }
    }
}

extension RequestError: ExitCoded {
    var exitCode: ExitCode {
        switch self {
        case .timeout: .negative
        case .datagramTooLarge: .data
        case .disconnected(let cause): cause.exitCode(hasSpoken: true)
        case .unreachable: .unreachable
        case .notDialled, .tooManyOutstanding: .refused
        case .sendBufferFull: .lost
        case .cancelled: .deadline
        }
    }
}
