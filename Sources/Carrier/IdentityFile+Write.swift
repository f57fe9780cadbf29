public import CarrierCrypto
internal import Glibc

extension IdentityFile {
    /// What happens to a file of the same name.
    public enum Existing: Sendable {
        /// It stays, and writing fails with `exists`.
        case keep
        /// It becomes `PATH.bak`, in place of an older one.
        case backUp
    }

    /// Fails as `write` would where the outcome is already clear: for who has a long search before it.
    ///
    /// - Throws: `exists` or `cannotCreate`.
    public static func checkCanWrite(_ path: String, existing: Existing = .keep) throws(IdentityFileError) {
        var information = stat()
        if existing == .keep && lstat(path, &information) == 0 { throw .exists(path: path) }
        let directory = directory(of: path)
        guard stat(directory, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else {
            throw .cannotCreate(path: path, reason: "there is no directory \(directory)")
        }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw .cannotCreate(path: path, reason: "\(directory): \(reason(errno))")
        }
    }

    /// Writes an identity with mode 0600: first beside its place and down to the disk, then into its place in one
    /// step. Whatever happens, a file of this name is whole.
    ///
    /// - Throws: `IdentityFileError`: `exists`, `cannotCreate` or `writeFailed`; or a `CryptoError`.
    public static func write(_ identity: Identity, to path: String, existing: Existing = .keep) throws {
        let text = try identity.pem()
        let draft = try Draft(for: path)
        do {
            try text.withUnsafeBytes { bytes throws(IdentityFileError) in try draft.write(bytes) }
            switch existing {
            case .keep: try draft.putInPlace()
            case .backUp: try draft.replace()
            }
        } catch {
            draft.remove()
            throw error
        }
        syncDirectory(of: path)
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes the new name last. Some file systems cannot, and the file itself is safe already.
    private static func syncDirectory(of path: String) {
        let descriptor = open(directory(of: path), O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        if descriptor >= 0 {
            fsync(descriptor)
            close(descriptor)
        }
    }
}

/// A file on its way: under a name of its own in the same directory, until it is whole.
private struct Draft {
    let path: String
    let name: String

    /// - Throws: `cannotCreate`.
    init(for path: String) throws(IdentityFileError) {
        self.path = path
        let mark = hexString(SystemRandom.bytes(8))
        name = "\(path).\(mark).new"
        let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .cannotCreate(path: path, reason: IdentityFile.reason(errno)) }
        close(descriptor)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(IdentityFileError) {
        let descriptor = open(name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        var position = 0
        while position < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: position), bytes.count - position)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let problem = failure()
                close(descriptor)
                throw problem
            }
            position += count
        }
        // A strange umask may have taken the owner's own rights.
        guard fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else {
            let problem = failure()
            close(descriptor)
            throw problem
        }
        guard close(descriptor) == 0 else { throw failure() }
    }

    /// Gives the file its name where nothing has it: a hard link fails if something does.
    func putInPlace() throws(IdentityFileError) {
        if link(name, path) == 0 {
            unlink(name)
            return
        }
        if errno == EEXIST { throw .exists(path: path) }
        // A file system without hard links: claim the name, then replace the claim.
        let claim = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard claim >= 0 else {
            throw errno == EEXIST ? .exists(path: path) : .cannotCreate(path: path, reason: IdentityFile.reason(errno))
        }
        close(claim)
        guard rename(name, path) == 0 else {
            let problem = failure()
            unlink(path)
            throw problem
        }
    }

    /// Gives the file its name and what had it the name `.bak`. There is a whole file of the name at any time.
    func replace() throws(IdentityFileError) {
        let backup = "\(path).bak"
        let step = "\(name).old"
        if link(path, step) == 0 {
            guard rename(step, backup) == 0 else {
                let problem = failure()
                unlink(step)
                throw problem
            }
        } else if errno != ENOENT {
            guard rename(path, backup) == 0 else { throw failure() }
        }
        guard rename(name, path) == 0 else { throw failure() }
    }

    func remove() { unlink(name) }

    private func failure() -> IdentityFileError {
        .writeFailed(path: path, reason: IdentityFile.reason(errno))
    }
}
