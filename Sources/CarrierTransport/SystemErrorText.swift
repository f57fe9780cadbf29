internal import Glibc
internal import NIOCore

/// What the system calls its errors.
enum SystemErrorText {
    static let connectionRefused = ECONNREFUSED
    static let timedOut = ETIMEDOUT

    /// The text of an error number.
    static func of(_ code: CInt) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        let status = strerror_r(code, &buffer, buffer.count)
        guard status == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension LinkError {
    /// Why no link could be made.
    public static func opening(_ error: any Error) -> LinkError {
        let reason = reason(of: error)
        guard let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) else {
            return .unreachable(reason)
        }
        return .outOfResources(reason)
    }

    /// The system's words for an error, without the library's.
    public static func reason(of error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return SystemErrorText.of(error.errnoCode)
    }
}
