import FoundationEssentials
import Testing

@Suite("The tutorial")
struct TutorialTests {
    @Test("does what it says")
    func runs() async throws {
        #expect(try await greet() == "Good morning to you, too")
    }

    @Test(
        "shows the code that is compiled here, as it stands; so does the README",
        arguments: ["Sources/Carrier/Carrier.docc/FirstComponent.md", "README.md"])
    func isCurrent(page: String) throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let compiled = try String(contentsOf: here.appending(path: "FirstComponent.swift"), encoding: .utf8)
        let article = here.appending(path: "../../../\(page)").standardized
        let text = try String(contentsOf: article, encoding: .utf8)
        let code = text.split(separator: "```swift\n", maxSplits: 1).last?.split(separator: "```", maxSplits: 1).first
        #expect(code.map(String.init) == compiled)
    }
}
