// swift-tools-version: 6.2
import PackageDescription

/// The language of the house: Swift 6, every warning an error.
let language: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// In sources every import is stated where it is used. Not in tests: which module the system's socket types belong to depends
/// on what else is imported, and a test of sockets should not have to know.
let house = language + [.enableUpcomingFeature("MemberImportVisibility")]

let nio = "swift-nio"

func module(_ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: house)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, swiftSettings: language)
}

/// A program that shows how to use the library.
func example(_ folder: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .executableTarget(
        name: name, dependencies: ["Carrier"] + dependencies, path: "Examples/\(folder)",
        exclude: folder == "Service" ? ["inventory.proto"] : [], swiftSettings: house)
}

let package = Package(
    name: "carrier",
    products: [
        .library(name: "Carrier", targets: ["Carrier"]),
        .executable(name: "carrier", targets: ["CarrierCLI"]),
    ],
    traits: [
        .default(enabledTraits: ["QUIC"]),
        .trait(name: "QUIC", description: "Connections over quic://; needs libngtcp2 and GnuTLS."),
        .trait(
            name: "BoringSSL",
            description: "Records sealed by swift-crypto's BoringSSL: faster where OpenSSL is older than 3.1."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        // Only for the trait BoringSSL, which uses what is no product of it.
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        // System libraries: a module map and a shim header each, imported by exactly one module of the product.
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CMsgpack", pkgConfig: "msgpack", providers: [.apt(["libmsgpack-dev"])]),
        .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
        .systemLibrary(name: "CMiniUPnPc", pkgConfig: "miniupnpc", providers: [.apt(["libminiupnpc-dev"])]),
        .systemLibrary(name: "CNATPMP", providers: [.apt(["libnatpmp-dev"])]),
        .systemLibrary(
            name: "CNGTCP2", pkgConfig: "libngtcp2_crypto_gnutls",
            providers: [.apt(["libngtcp2-dev", "libngtcp2-crypto-gnutls-dev", "libgnutls28-dev"])]),

        // What Swift cannot say: control messages, calls that do not wait, macros, and what differs between versions of ngtcp2.
        .target(name: "CDatagram"),
        .target(name: "CStream"),
        .target(
            name: "CQUIC", dependencies: [.target(name: "CNGTCP2", condition: .when(traits: ["QUIC"]))],
            cSettings: [.define("QUIC", .when(traits: ["QUIC"]))],
            linkerSettings: ["ngtcp2_crypto_gnutls", "ngtcp2", "gnutls"].map {
                .linkedLibrary($0, .when(traits: ["QUIC"]))
            }),

        .target(
            name: "CBoringSSL",
            dependencies: [.product(name: "Crypto", package: "swift-crypto", condition: .when(traits: ["BoringSSL"]))],
            cSettings: [.define("BORINGSSL", .when(traits: ["BoringSSL"]))]),

        module(
            "CarrierCrypto",
            [
                "COpenSSL", .target(name: "CBoringSSL", condition: .when(traits: ["BoringSSL"])),
                .product(name: "NIOConcurrencyHelpers", package: nio),
            ]),
        module(
            "CarrierWire",
            [
                "CarrierCrypto", "CMsgpack", .product(name: "NIOCore", package: nio),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]),
        module(
            "CarrierProtocols",
            [
                "CarrierWire", "CarrierCrypto", .product(name: "NIOCore", package: nio),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        module(
            "CarrierTransport",
            [
                "CDatagram", "CarrierCrypto", "CarrierWire", .product(name: "NIOCore", package: nio),
                .product(name: "NIOPosix", package: nio),
            ]),
        module(
            "CarrierQUIC",
            [
                .target(name: "CQUIC", condition: .when(traits: ["QUIC"])), "CarrierCrypto", "CarrierTransport",
                "CarrierWire", .product(name: "NIOCore", package: nio),
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        module("CarrierNAT", ["CMiniUPnPc", "CNATPMP", "CarrierWire"]),
        module(
            "CarrierCapture",
            [
                "CarrierCrypto", "CarrierWire", "CarrierProtocols", "CPcap", .product(name: "NIOCore", package: nio),
            ]),
        module(
            "Carrier",
            [
                "CStream", "CarrierCrypto", "CarrierWire", "CarrierProtocols", "CarrierQUIC", "CarrierTransport",
                "CarrierNAT", "CarrierCapture",
                .product(name: "NIOConcurrencyHelpers", package: nio), .product(name: "NIOCore", package: nio),
                .product(name: "NIOPosix", package: nio), .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),
        .executableTarget(
            name: "CarrierCLI",
            dependencies: [
                "CMalloc", "Carrier", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                "CarrierCapture", "CarrierCrypto", "CarrierProtocols", "CarrierTransport", "CarrierWire",
                .product(name: "NIOCore", package: nio), .product(name: "NIOPosix", package: nio),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: house),
        module(
            "CarrierTesting",
            [
                "Carrier", "CarrierProtocols", "CarrierTransport", "CarrierWire", "CarrierCrypto",
                .product(name: "NIOConcurrencyHelpers", package: nio), .product(name: "NIOCore", package: nio),
                .product(name: "NIOEmbedded", package: nio),
            ]),

        // What measurements say, and how: tables, JSON lines, pictures.
        module("BenchmarkReport", path: "Benchmarks/Report"),
        .executableTarget(
            name: "carrier-simulate",
            dependencies: [
                "BenchmarkReport", "CarrierTesting", "CarrierProtocols", "CarrierWire", "CarrierCrypto",
                .product(name: "NIOCore", package: nio),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Benchmarks/Simulation", swiftSettings: house),

        .executableTarget(
            name: "carrier-bench",
            dependencies: [
                "Carrier", .product(name: "NIOCore", package: nio), .product(name: "NIOPosix", package: nio),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Benchmarks/Messages", swiftSettings: house),
        .executableTarget(
            name: "carrier-paths",
            dependencies: [
                "CarrierCrypto", "CarrierProtocols", "CarrierWire", .product(name: "NIOCore", package: nio),
            ], path: "Benchmarks/Paths", swiftSettings: house),
        .executableTarget(
            name: "carrier-soak",
            dependencies: [
                "BenchmarkReport", "CMalloc", "Carrier", "CarrierTesting", .product(name: "NIOCore", package: nio),
                .product(name: "NIOPosix", package: nio), .product(name: "Logging", package: "swift-log"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Benchmarks/Soak", swiftSettings: house),
        example("Chat", "example-chat"),
        example("Service", "example-service", [.product(name: "SwiftProtobuf", package: "swift-protobuf")]),
        example("KeyExchange", "example-key-exchange", [.product(name: "NIOCore", package: nio)]),

        // What a fuzzer drives, and the ordinary tests with the inputs that once failed.
        module(
            "CarrierFuzzing",
            [
                "CarrierCapture", "CarrierCrypto", "CarrierProtocols", "CarrierTesting", "CarrierWire",
                .product(name: "NIOCore", package: nio),
            ], path: "Fuzz/Targets"),
        tests(of: "CarrierFuzzing", [.product(name: "NIOCore", package: nio)]),

        tests(of: "CarrierCrypto", ["CarrierTesting"]),
        tests(
            of: "CarrierWire",
            [
                "CarrierTesting", "CarrierCrypto", .product(name: "NIOCore", package: nio),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]),
        tests(
            of: "CarrierProtocols",
            ["CarrierTesting", "CarrierCrypto", "CarrierWire", .product(name: "NIOCore", package: nio)]),
        tests(
            of: "Carrier",
            [
                "CarrierTesting", "CarrierCrypto", "CarrierWire", "CarrierProtocols", "CarrierQUIC", "CarrierTransport",
                .product(name: "NIOCore", package: nio), .product(name: "NIOPosix", package: nio),
                .product(name: "NIOEmbedded", package: nio),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),
        tests(of: "CarrierNAT", ["CarrierWire"]),
        tests(of: "CarrierCLI", ["CarrierTesting", "Carrier"]),
        .testTarget(
            name: "CarrierCaptureTests",
            dependencies: [
                "CarrierCapture", "CarrierCrypto", "CarrierWire", "CarrierProtocols",
                .product(name: "NIOCore", package: nio),
            ], swiftSettings: language),
    ]
)

// The fuzzer needs a linker and flags that nobody else should get: see Fuzz/README.md.
if Context.environment["CARRIER_FUZZ"] != nil {
    let flags = ["-sanitize=fuzzer,address"]
    let instrumented = ["CarrierCapture", "CarrierFuzzing", "CarrierProtocols", "CarrierWire"]
    for target in package.targets where instrumented.contains(target.name) {
        target.swiftSettings = house + [.unsafeFlags(flags)]
    }
    package.targets.append(
        .executableTarget(
            name: "carrier-fuzz", dependencies: ["CarrierFuzzing", .product(name: "NIOCore", package: nio)],
            path: "Fuzz/Driver", swiftSettings: [.swiftLanguageMode(.v5), .unsafeFlags(flags)],
            linkerSettings: [.unsafeFlags(flags + ["-use-ld=lld"])]))
}
