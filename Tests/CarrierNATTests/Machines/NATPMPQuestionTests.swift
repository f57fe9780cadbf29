import Testing

@testable import CarrierNAT

@Suite("What answers a NAT-PMP request")
struct NATPMPQuestionTests {
    let mapping = NATPMPQuestion.mapping(.tcp, internalPort: 4000, externalPort: 4000, lifetime: 3600)
    let removal = NATPMPQuestion.mapping(.tcp, internalPort: 4000, externalPort: 0, lifetime: 0)

    func answer(type: UInt8 = 130, internalPort: UInt16 = 4000, port: UInt16 = 4000, lease: UInt32 = 3600) -> [UInt8] {
        [
            0, type, 0, 0, 0, 0, 0, 9, UInt8(internalPort >> 8), UInt8(internalPort & 255), UInt8(port >> 8),
            UInt8(port & 255), UInt8(lease >> 24), UInt8(lease >> 16 & 255), UInt8(lease >> 8 & 255),
            UInt8(lease & 255),
        ]
    }

    @Test func aGoodAnswerIsOne() {
        #expect(mapping.judge(answer()) == .answer)
        #expect(mapping.judge(answer(port: 4001, lease: 1)) == .answer)
        #expect(removal.judge(answer(port: 0, lease: 0)) == .answer)
        #expect(NATPMPQuestion.publicAddress.judge([0, 128, 0, 0, 0, 0, 0, 1, 44, 128, 0, 11]) == .answer)
    }

    @Test func anErrorCodeIsAnAnswer() {
        #expect(mapping.judge([0, 130, 0, 2, 0, 0, 0, 1]) == .answer)
    }

    @Test func anotherVersionIsLeftToTheLibrary() {
        #expect(mapping.judge([2, 130, 0, 1, 0, 0, 0, 1]) == .answer)
    }

    @Test func anotherTypeAnotherPortAndEveryShortDatagramAreStray() {
        for type in UInt8.min...UInt8.max where type != 130 {
            guard case .stray = mapping.judge(answer(type: type)) else {
                Issue.record("type \(type) was taken")
                continue
            }
        }
        if case .stray = mapping.judge(answer(internalPort: 4001)) {} else { Issue.record("another port was taken") }
        for length in 0..<16 {
            guard case .stray = mapping.judge(Array(answer().prefix(length))) else {
                Issue.record("\(length) bytes were taken")
                continue
            }
        }
        for length in 0..<12 {
            let bytes: [UInt8] = [0, 128, 0, 0, 0, 0, 0, 1, 44, 128, 0, 11]
            guard case .stray = NATPMPQuestion.publicAddress.judge(Array(bytes.prefix(length))) else {
                Issue.record("\(length) bytes were taken")
                continue
            }
        }
    }

    @Test func portZeroAndLifetimeZeroAreNonsense() {
        #expect(mapping.judge(answer(port: 0)) == .nonsense(expected: "an external port", got: "port 0"))
        #expect(mapping.judge(answer(lease: 0)) == .nonsense(expected: "a lifetime", got: "lifetime 0"))
        #expect(removal.judge(answer(lease: 7)) == .nonsense(expected: "lifetime 0", got: "lifetime 7"))
    }
}
