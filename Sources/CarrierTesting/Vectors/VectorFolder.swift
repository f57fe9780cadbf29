public import FoundationEssentials

/// Where the test vectors of others lie: `$CARRIER_VECTORS`, else `../shared/vectors` beside the package.
///
/// They are read where they are and not part of the project; tests that need one are skipped where it is missing.
public enum VectorFolder {
    /// The folder; it need not exist.
    public static let url: URL = {
        if let path = ProcessInfo.processInfo.environment["CARRIER_VECTORS"] {
            return URL(fileURLWithPath: path, isDirectory: true)
        }
        // Sources/CarrierTesting/Vectors/VectorFolder.swift → the package's root.
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        return root.deletingLastPathComponent().appending(path: "shared/vectors", directoryHint: .isDirectory)
    }()

    /// Whether this file can be read; for `.enabled(if:)`.
    public static func has(_ name: String) -> Bool {
        FileManager.default.isReadableFile(atPath: url.appending(path: name).path)
    }

    /// What a skipped test says.
    public static func skipReason(_ name: String) -> String { "needs \(url.appending(path: name).path)" }

    /// The file's bytes.
    public static func data(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }

    /// The file as JSON of a known shape.
    public static func decode<Shape: Decodable>(_ shape: Shape.Type, from name: String) throws -> Shape {
        try JSONDecoder().decode(shape, from: try data(name))
    }
}
