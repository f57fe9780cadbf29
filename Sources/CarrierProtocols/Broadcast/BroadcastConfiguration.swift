public import CarrierWire

/// How a node passes broadcasts on.
public struct BroadcastConfiguration: Sendable {
    /// β: to how many nodes of each bucket a message is delegated. Default 1: a tree.
    public var redundancy = 1
    /// How long a delegate has to acknowledge before the next one gets its task. Default 500 ms.
    public var hopTimeout = Duration.milliseconds(500)
    /// The slowest link that is waited for, in bytes a second: what a message takes at this rate comes on top of
    /// `hopTimeout`. Default 256 KiB a second.
    public var hopRate = 262_144
    /// Older messages are dropped. Default 120 s.
    public var ageLimit = Duration.seconds(120)
    /// Messages from farther ahead are dropped. Default 30 s.
    public var leadLimit = Duration.seconds(30)
    /// How many message ids are remembered. Default 65 536.
    public var idLimit = 65_536
    /// How many bytes of messages are kept for repair. Default 16 MiB.
    public var bodyLimit = 16 << 20
    /// In the three rates below a message counts as one for each so many of its bytes, and as one at the least. Default 64 KiB.
    public var rateUnit = 65_536
    /// New messages taken from one peer, whoever their origins are; above it they are dropped before their signatures are
    /// looked at. Default 400 a second, 1000 at once.
    public var senderRate = TokenBucket.Rate(perSecond: 400, burst: 1000)
    /// Messages of one origin that are passed on. Default 20 a second, 100 at once.
    public var originRate = TokenBucket.Rate(perSecond: 20, burst: 100)
    /// Messages of our own that are sent: a little less at once, so that nobody drops them. Default 20 a second, 80 at
    /// once; what is more waits.
    public var ownRate = TokenBucket.Rate(perSecond: 20, burst: 80)
    /// How many messages of our own may wait for the rate. Default 4096.
    public var queueLimit = 4096
    /// How often new messages are announced for repair. Default 2 s.
    public var digestInterval = Duration.seconds(2)
    /// How often a new message is announced. Default 3 times.
    public var digestRounds = 3
    /// How many digests, of 64 ids each, a contact gets at a time; what is left waits for the next time. Default 8.
    public var digestsAtOnce = 8
    /// To how many contacts each time. Default 3.
    public var digestContacts = 3
    /// Messages younger than this are announced. Default 30 s.
    public var digestAge = Duration.seconds(30)
    /// Digests taken from one peer. Default 5 a second, 20 at once.
    public var digestRate = TokenBucket.Rate(perSecond: 5, burst: 20)
    /// How many messages may be asked for at a time. Default 4096.
    public var wantLimit = 4096
    /// How many messages one peer may owe us at a time. Default 512.
    public var peerWantLimit = 512
    /// How many of those who announce a message are asked for it, one after the other. Default 8.
    public var wantTries = 8
    /// Bytes of repair sent to one peer. Default 1 MiB a second, 8 MiB at once.
    public var repairRate = TokenBucket.Rate(perSecond: 1_048_576, burst: 8_388_608)
    /// How many messages of others are being passed on at a time. One more, and the oldest is seen to no longer: its silent
    /// delegates are not replaced, and its report says what is known. Default 4096.
    public var treeLimit = 4096
    /// The most nodes, and duplicates, that one report is believed. Default 2^24.
    public var reportLimit: UInt32 = 1 << 24
    /// The most bytes of one message. Default what fits a frame of 4 MiB.
    public var messageLimit = Frame.defaultBodyLimit - 118

    /// The defaults.
    public init() {}
}

/// A broadcast that cannot be sent.
public enum BroadcastError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Opcodes below 1000 are carrier's own.
    case notAnApplicationOpcode(Opcode)
    /// The body is over the limit; it is never cut.
    case tooLong(limit: Int, got: Int)
    /// Too many messages wait already.
    case queueFull(limit: Int)
    /// The message could not be signed.
    case unsigned(String)

    public var description: String {
        switch self {
        case .notAnApplicationOpcode(let opcode): "expected an opcode of 1000 or more, got \(opcode.rawValue)"
        case .tooLong(let limit, let got):
            "expected a message of at most \(limit) bytes, got \(got); split it, a broadcast is never cut"
        case .queueFull(let limit): "expected at most \(limit) messages waiting, got one more; send slower"
        case .unsigned(let reason): "expected a signature, got none: \(reason)"
        }
    }
}
