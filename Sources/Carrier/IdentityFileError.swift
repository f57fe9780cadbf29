/// Why an identity file cannot be used or made.
public enum IdentityFileError: Error, Equatable, CustomStringConvertible {
    /// There is no such file, or it cannot be read.
    case unreadable(path: String, reason: String)
    /// Everybody can read or change the file; carries its permission bits.
    case openToOthers(path: String, mode: UInt32)
    /// Another user owns the file; carries the owner's number.
    case foreignOwner(path: String, owner: UInt32)
    /// The file holds no identity.
    case malformed(path: String, reason: String)
    /// A file of this name is there and was not to be replaced.
    case exists(path: String)
    /// The file cannot be made here.
    case cannotCreate(path: String, reason: String)
    /// The file could not be written as a whole; nothing of it is left.
    case writeFailed(path: String, reason: String)

    /// The file that this is about.
    public var path: String {
        switch self {
        case .unreadable(let path, _), .openToOthers(let path, _), .foreignOwner(let path, _), .malformed(let path, _),
            .exists(let path), .cannotCreate(let path, _), .writeFailed(let path, _):
            path
        }
    }

    /// What is wrong, without the path.
    public var problem: String {
        switch self {
        case .unreadable(_, let reason): "cannot read the identity: \(reason)"
        case .openToOthers(_, let mode):
            "expected a key file that only its owner can read, got mode \(String(mode, radix: 8)); run chmod 600"
        case .foreignOwner(_, let owner):
            "expected a key file of this user, got one of user \(owner); run chown or make a new identity"
        case .malformed(_, let reason): reason
        case .exists: "the file exists; choose another name, or --force to keep the old one as .bak"
        case .cannotCreate(_, let reason): "cannot create the identity: \(reason)"
        case .writeFailed(_, let reason): "cannot write the identity: \(reason)"
        }
    }

    public var description: String { "\(path): \(problem)" }
}
