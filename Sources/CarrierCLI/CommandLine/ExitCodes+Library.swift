import Carrier
import CarrierCrypto
import CarrierNAT
import CarrierWire

// Which row of the exit-code table an error of the library is.

extension IdentityFileError: ExitCoded {
    var exitCode: ExitCode {
        switch self {
        case .unreadable: .noinput
        case .openToOthers, .foreignOwner: .perm
        case .malformed: .data
        case .exists, .cannotCreate: .exists
        case .writeFailed: .io
        }
    }
    var failureTarget: String? { path }
    var failureMessage: String { problem }
}

extension AddressError: ExitCoded {
    var exitCode: ExitCode { .usage }
}

extension NATError: ExitCoded {
    var exitCode: ExitCode {
        switch self {
        case .cannotList: .negative
        default: isRefusal ? .refused : .unreachable
        }
    }
}
