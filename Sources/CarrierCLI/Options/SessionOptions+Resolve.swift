import Carrier
import CarrierCrypto
import CarrierWire

extension SessionOptions {
    /// What peers must have solved.
    var minimum: Puzzle.Difficulty { Puzzle.Difficulty(staticBits: minStatic, dynamicBits: minDynamic) }

    /// The identity that the options, the environment and the configuration name; a fresh one where there is none,
    /// which is said on stderr.
    func identity(_ console: Console) async throws -> Identity {
        if !ephemeral, let path = identity ?? IdentityPath.existing {
            let file = try IdentityFile.read(path)
            for warning in file.warnings { console.diagnostics.warning("\(path): \(warning)") }
            return file.identity
        }
        let fresh = try await IdentitySearch(
            Puzzle.Difficulty(staticBits: max(8, minStatic), dynamicBits: max(8, minDynamic)),
            threads: Processors.count
        ).run()
        console.diagnostics.note(
            ephemeral
                ? "ephemeral identity \(fresh.peerID)"
                : "ephemeral identity \(fresh.peerID); make a lasting one with carrier keygen")
        return fresh
    }

    /// The peers through which to join the overlay, without doubles; empty where none is named.
    func bootstrapPeers() throws -> [Address] {
        var addresses = bootstrapAddresses
        if addresses.isEmpty, let listed = Environment.value("CARRIER_BOOTSTRAP") {
            addresses = try Self.addresses(in: listed, from: "$CARRIER_BOOTSTRAP")
        }
        if addresses.isEmpty, let directory = Environment.configurationDirectory {
            let path = "\(directory)/bootstrap"
            if let text = try TextFile.read(path) { addresses = try Self.addresses(in: text, from: path) }
        }
        var seen: Set<Address> = []
        return addresses.filter { seen.insert($0).inserted }
    }

    private static func addresses(in text: String, from source: String) throws -> [Address] {
        var addresses: [Address] = []
        for line in text.split(whereSeparator: \.isNewline) {
            for word in line.prefix(while: { $0 != "#" }).split(whereSeparator: { $0.isWhitespace || $0 == "," }) {
                do { addresses.append(try Address(String(word))) } catch {
                    throw Failure(.data, target: source, "\(error)")
                }
            }
        }
        return addresses
    }

    /// Says that sessions of this run can be read by who has the file.
    func warnAboutKeyLog(_ console: Console) {
        if let keylog {
            console.diagnostics.warning("session keys go to \(keylog): who reads it reads the sessions")
        }
    }
}

/// Where the identity lies when no option says so.
enum IdentityPath {
    /// `$CARRIER_IDENTITY`, else `identity.pem` in the configuration directory.
    static var standard: String? {
        Environment.value("CARRIER_IDENTITY") ?? Environment.configurationDirectory.map { "\($0)/identity.pem" }
    }

    /// The same, where it is set or there is such a file.
    static var existing: String? {
        Environment.value("CARRIER_IDENTITY") ?? standard.flatMap { TextFile.exists($0) ? $0 : nil }
    }
}
