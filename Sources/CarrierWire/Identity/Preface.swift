public import NIOCore

/// The first bytes of each side: which protocol, which version, which network (carrier-wire(7) §4.1).
public struct Preface: Hashable, Sendable {
    /// Bytes of a preface.
    public static let size = 10
    /// `CARR`.
    public static let magic: [UInt8] = Array("CARR".utf8)
    /// The version that this code speaks.
    public static let currentVersion: UInt8 = 1
    /// The network id where none is chosen.
    public static let defaultNetwork: UInt32 = 1

    /// The protocol's version.
    public var version: UInt8
    /// None is defined yet; others are ignored.
    public var flags: UInt8
    /// Which network; both sides must agree.
    public var network: UInt32

    /// A preface of its parts.
    public init(version: UInt8 = Preface.currentVersion, flags: UInt8 = 0, network: UInt32 = Preface.defaultNetwork) {
        self.version = version
        self.flags = flags
        self.network = network
    }

    /// Its bytes as they are sent.
    public func encode(into output: inout ByteBuffer) {
        output.writeBytes(Self.magic)
        output.writeInteger(version)
        output.writeInteger(flags)
        output.writeInteger(network, endianness: .little)
    }

    /// The preface as bytes: also the prologue of the handshake, when it is the initiator's.
    public var encoded: ByteBuffer {
        var output = ByteBuffer()
        encode(into: &output)
        return output
    }

    /// Whether bytes can still become a preface: the magic does not differ so far.
    public static func canBegin(with bytes: ByteBuffer) -> Bool {
        zip(bytes.readableBytesView, magic).allSatisfy(==)
    }

    /// Reads 10 bytes.
    ///
    /// - Returns: nil when there are fewer, or when the magic differs.
    public init?(_ bytes: inout ByteBuffer) {
        guard bytes.readableBytes >= Self.size, Self.canBegin(with: bytes) else { return nil }
        bytes.moveReaderIndex(forwardBy: Self.magic.count)
        guard
            let version = bytes.readInteger(as: UInt8.self), let flags = bytes.readInteger(as: UInt8.self),
            let network = bytes.readInteger(endianness: .little, as: UInt32.self)
        else { return nil }
        self.init(version: version, flags: flags, network: network)
    }
}
