import CarrierWire
import Glibc
import Synchronization
import Testing

@testable import CarrierNAT

/// A UDP server on the NAT-PMP port of a loopback address of its own.
final class FakeNATPMPServer: Sendable {
    let address: IPAddress
    private let socket: Int32
    private let count = Mutex(0)
    private let isClosed = Mutex(false)
    var requests: Int { count.withLock { $0 } }

    /// - Parameter answers: what to send for a request, in this order.
    init?(_ last: UInt8, _ answers: @escaping @Sendable ([UInt8]) -> [[UInt8]]) {
        let bits = 0x7f00_3500 | UInt32(last)
        address = .v4(bits)
        let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        self.socket = socket
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = UInt16(5351).bigEndian
        place.sin_addr.s_addr = bits.bigEndian
        let code = withUnsafePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code != 0 {
            close(socket)
            return nil
        }
        ThreadBox { [self] in
            while true {
                var bytes = [UInt8](repeating: 0, count: 64)
                var from = sockaddr_in()
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                let got = withUnsafeMutablePointer(to: &from) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(socket, &bytes, 64, 0, $0, &length)
                    }
                }
                if got <= 0 {
                    // Here and not in stop(): the number would be another server's while this still reads from it.
                    close(socket)
                    return isClosed.withLock { $0 = true }
                }
                count.withLock { $0 += 1 }
                for answer in answers(Array(bytes.prefix(got))) {
                    withUnsafePointer(to: &from) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            _ = sendto(socket, answer, answer.count, 0, $0, length)
                        }
                    }
                }
            }
        }.start()
    }

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        for _ in 0..<1000 where !isClosed.withLock({ $0 }) { usleep(1000) }
    }
}

@Suite("Row 35: a NAT-PMP gateway that answers as it likes")
struct NATPMPMapperTests {
    static let external: [UInt8] = [0, 128, 0, 0, 0, 0, 0, 9, 44, 128, 0, 11]

    /// A gateway whose external address is good, and whose mappings are what `mapping` makes of the request.
    static func server(
        _ last: UInt8, _ mapping: @escaping @Sendable ([UInt8]) -> [[UInt8]]
    ) throws -> FakeNATPMPServer {
        try #require(FakeNATPMPServer(last) { $0.count == 2 ? [external] : mapping($0) })
    }

    static func granted(_ request: [UInt8]) -> [UInt8] {
        [0, request[1] + 128, 0, 0, 0, 0, 0, 9] + request[4..<8] + request[8..<12]
    }

    static func map(_ server: FakeNATPMPServer) async throws -> PortMapping {
        let mapper = NATPMPMapper(gateway: server.address, patience: .milliseconds(900))
        return try await mapper.find().map(PortRequest(.tcp, 4000))
    }

    @Test func aGoodGatewayMaps() async throws {
        let server = try Self.server(1) { [Self.granted($0)] }
        defer { server.stop() }
        let mapping = try await Self.map(server)
        #expect("\(mapping.externalEnd)" == "44.128.0.11:4000")
        #expect(mapping.lease == .seconds(3600))
        #expect(mapping.internalEnd.port == 4000)
    }

    @Test func strayAnswersAreWaitedOut() async throws {
        let server = try Self.server(2) { request in
            var wrongType = Self.granted(request)
            wrongType[1] = 129
            var wrongPort = Self.granted(request)
            wrongPort[9] ^= 1
            return [[], [0], wrongType, wrongPort, Self.external, Self.granted(request)]
        }
        defer { server.stop() }
        #expect(try await Self.map(server).externalEnd.port == 4000)
    }

    @Test func onlyWrongTypesEndInTimeAndAreNamed() async throws {
        let server = try Self.server(3) { request in
            var wrongType = Self.granted(request)
            wrongType[1] = 129
            return [wrongType]
        }
        defer { server.stop() }
        let start = ContinuousClock.now
        let error = await #expect(throws: NATError.self) { try await Self.map(server) }
        #expect(start.duration(to: .now) < .seconds(5))
        guard case .invalidAnswer(_, _, let got) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(got.contains("129"))
    }

    @Test func portZeroAndLifetimeZeroAreRefused() async throws {
        for (last, range) in [(UInt8(4), 10..<12), (5, 12..<16)] {
            let server = try Self.server(last) { request in
                var lie = Self.granted(request)
                for index in range { lie[index] = 0 }
                return [lie]
            }
            defer { server.stop() }
            let error = await #expect(throws: NATError.self) { try await Self.map(server) }
            guard case .invalidAnswer = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test(arguments: [
        (UInt8(10), UInt8(2), "NotAuthorized"), (11, 3, "NetworkFailure"), (12, 4, "OutOfResources"),
        (13, 5, "UnsupportedOpcode"),
    ])
    func refusalsHaveTheirCodes(_ last: UInt8, _ code: UInt8, _ name: String) async throws {
        let server = try Self.server(last) { [[0, $0[1] + 128, 0, code, 0, 0, 0, 9]] }
        defer { server.stop() }
        let error = await #expect(throws: NATError.self) { try await Self.map(server) }
        #expect(error?.isRefusal == true)
        #expect("\(error.map(String.init(describing:)) ?? "")".contains("\(code) \(name)"))
    }

    @Test func aFloodOfStrayAnswersEndsInTime() async throws {
        let server = try Self.server(20) { _ in Array(repeating: Array(repeating: 0xff, count: 1400), count: 5000) }
        defer { server.stop() }
        let start = ContinuousClock.now
        await #expect(throws: NATError.self) { try await Self.map(server) }
        #expect(start.duration(to: .now) < .seconds(3))
    }

    @Test func aClosedPortAndASilentGatewayAreToldApart() async throws {
        let closed = NATPMPMapper(gateway: .v4(0x7f00_35fa), patience: .seconds(2))
        let start = ContinuousClock.now
        let error = await #expect(throws: NATError.self) { _ = try await closed.find() }
        #expect(error == .unsupported(.v4(0x7f00_35fa), mapper: "natpmp"))
        #expect(start.duration(to: .now) < .seconds(3))

        let server = try #require(FakeNATPMPServer(21) { _ in [] })
        defer { server.stop() }
        let silent = NATPMPMapper(gateway: server.address, patience: .milliseconds(900))
        let another = await #expect(throws: NATError.self) { _ = try await silent.find() }
        #expect(another == .silent(server.address, mapper: "natpmp"))
        // It asked more than once: 250 ms, then doubled.
        #expect(server.requests >= 2)
    }

    @Test(arguments: [(UInt8(30), UInt32(0x7f00_0001)), (31, 0xe000_0001), (32, 0xffff_ffff)])
    func anExternalAddressThatCannotBeIsRefused(_ last: UInt8, _ bits: UInt32) async throws {
        let server = try #require(
            FakeNATPMPServer(last) { _ in
                [
                    [
                        0, 128, 0, 0, 0, 0, 0, 9, UInt8(bits >> 24), UInt8(bits >> 16 & 255), UInt8(bits >> 8 & 255),
                        UInt8(bits & 255),
                    ]
                ]
            })
        defer { server.stop() }
        await #expect(throws: NATError.self) {
            _ = try await NATPMPMapper(gateway: server.address, patience: .milliseconds(500)).find()
        }
    }

    @Test func cancellationEndsACallAtOnce() async throws {
        let server = try #require(FakeNATPMPServer(33) { _ in [] })
        defer { server.stop() }
        let address = server.address
        let start = ContinuousClock.now
        let call = Task { try? await NATPMPMapper(gateway: address).find() }
        try await Task.sleep(for: .milliseconds(100))
        call.cancel()
        _ = await call.value
        #expect(start.duration(to: .now) < .seconds(3))
    }
}
