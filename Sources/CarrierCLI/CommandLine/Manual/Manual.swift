/// The man pages of the commands.
enum Manual {
    static let pages = ["carrier"]
    static func page(named name: String) -> String? { nil }
}
