internal import CarrierCrypto
public import CarrierWire

/// How a node finds others and is found.
public struct DiscoveryConfiguration: Sendable {
    /// Where to find a first peer. Default none: the node waits to be found.
    public var bootstrap: [Address] = []
    /// Checks the records that others tell. Default: signature and puzzles of 8 and 8 bits.
    public var verifier: any RecordVerifier = SignatureVerifier()
    /// Lookups answered for one peer. Default 20 a second, 40 at once.
    public var answers = TokenBucket.Rate(perSecond: 20, burst: 40)
    /// How the node's own lookups run: for joining and refreshing. Default k 16, alpha 3, d 4.
    public var lookup = LookupOptions()
    /// How many lookups run at a time; more are refused. Default 256.
    public var lookupLimit = 256
    /// How long a liveness check may take. Default 3 s.
    public var checkTimeout = Duration.seconds(3)
    /// How many liveness checks are on their way at a time. Default 8.
    public var checksInFlight = 8
    /// How often the table is looked after; zero: never, for lookups in a table that does not change. Default 5 s.
    public var upkeepInterval = Duration.seconds(5)
    /// A contact that is not connected and silent for so long is asked whether it is there. Default 60 s.
    public var staleAfter = Duration.seconds(60)
    /// How many of those are asked each time the table is looked after, the longest silent first. Default 4.
    public var staleChecks = 4
    /// How often a node looks itself up to find new neighbours. Default 5 min.
    public var selfLookupInterval = Duration.seconds(300)
    /// A bucket in which nothing was looked up for so long is refreshed. Default 15 min.
    public var refreshInterval = Duration.seconds(900)
    /// The pause after no bootstrap peer could be reached; doubles up to a minute. Default 1 s.
    public var bootstrapPause = Duration.seconds(1)

    /// The defaults; no bootstrap peer.
    public init() {}
}
