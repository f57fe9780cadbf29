public import CarrierCrypto
internal import Glibc

/// An identity on disk: PEM (carrier-wire(7) §2) that nobody but its owner can read, and that is there as a whole or
/// not at all.
public struct IdentityFile: Sendable {
    /// Bytes of the largest file that is read.
    static let sizeLimit = 64 * 1024

    /// What the file holds.
    public let identity: Identity
    /// What its owner should change, a sentence each.
    public let warnings: [String]

    /// Reads an identity after checking who else can read it.
    ///
    /// - Throws: `IdentityFileError`: `unreadable`, `foreignOwner`, `openToOthers` or `malformed`.
    public static func read(_ path: String) throws(IdentityFileError) -> IdentityFile {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: reason(errno)) }
        defer { close(descriptor) }
        return try read(descriptor, named: path)
    }

    /// Reads an identity from a descriptor that is open, such as stdin. A pipe has no owner to check.
    ///
    /// - Parameters:
    ///   - descriptor: is read to its end, and stays open.
    ///   - name: what errors call it.
    /// - Throws: as `read(_:)`.
    public static func read(_ descriptor: Int32, named name: String) throws(IdentityFileError) -> IdentityFile {
        let warnings = try checkPermissions(descriptor, name)
        let text = try contents(descriptor, name)
        do {
            return IdentityFile(identity: try Identity(pem: text), warnings: warnings)
        } catch {
            throw .malformed(path: name, reason: "\(error)")
        }
    }

    private static func checkPermissions(_ descriptor: Int32, _ name: String) throws(IdentityFileError) -> [String] {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw .unreadable(path: name, reason: reason(errno)) }
        guard information.st_mode & S_IFMT == S_IFREG else { return [] }
        guard information.st_uid == geteuid() else { throw .foreignOwner(path: name, owner: information.st_uid) }
        let mode = information.st_mode & 0o7777
        guard mode & 0o006 == 0 else { throw .openToOthers(path: name, mode: mode) }
        if mode & 0o060 == 0 { return [] }
        return ["the key file is open to its group, mode \(String(mode, radix: 8)); run chmod 600"]
    }

    private static func contents(_ descriptor: Int32, _ name: String) throws(IdentityFileError) -> SecretBytes {
        var count = 0
        var failure: Int32 = 0
        let room = SecretBytes(count: sizeLimit + 1) { buffer in
            while count < buffer.count {
                let part = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
                if part < 0 && errno == EINTR { continue }
                if part < 0 { failure = errno }
                if part <= 0 { break }
                count += part
            }
        }
        if failure != 0 { throw .unreadable(path: name, reason: reason(failure)) }
        guard count <= sizeLimit else {
            throw .malformed(
                path: name, reason: "expected an identity of at most \(sizeLimit) bytes, got a larger file")
        }
        return room.withUnsafeBytes { room in
            SecretBytes(count: count) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: room[..<count])) }
        }
    }

    static func reason(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &text, text.count) == 0 else { return "error \(code)" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
