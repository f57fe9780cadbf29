/// One limit of a node: what it is set to, how much of it is in use, and how often it was reached.
public struct LimitUse: Sendable, Hashable {
    /// Which one; the raw value carries the unit. Fields of `Limits`, unless another type is named.
    public enum Name: String, CaseIterable, Sendable {
        // Handshakes and connections.

        /// `handshake.deadline`: handshakes that took too long.
        case handshake = "handshake_ms"
        /// `StreamHandshake.messageLimit`: handshakes that failed over a longer message.
        case handshakeMessage = "handshake_bytes"
        /// `handshake.halfOpen`: handshakes that made room for another.
        case halfOpen = "half_open"
        /// `connections.inbound`: peers turned away.
        case inbound
        /// `connections.outbound`: dials that were not begun.
        case outbound
        /// `connections.spare`: connections that ended to make room for others that this node dialled.
        case spare
        /// `connections.rest`, how long one must have been without use: inbound connections that ended for a newcomer.
        case rest = "rest_ms"
        /// `connections.perSite`: links turned away.
        case perSite = "per_site"
        /// `connections.newPerSecond` and `newBurst`: links turned away.
        case newConnections = "new_per_s"
        /// `dial.timeout`: addresses that did not answer.
        case dial = "dial_ms"
        /// `dial.delivery`: messages of components whose peer could not be reached in this time, or in that of the answer
        /// where it is longer.
        case delivery = "delivery_ms"
        /// `Reconnect.Configuration.attempts`: addresses given up; only where a node reconnects.
        case dialAttempts = "dial_attempts"
        /// `Context`'s dials to one IP address that peers have told of: dials held back.
        case dials = "dials_per_s"

        // Receiving, sending, silence.

        /// `receive.frame`: peers dropped.
        case frame = "frame_ms"
        /// `receive.processing`: components that took too long, or threw.
        case processing = "processing_ms"
        /// `receive.message`: peers dropped.
        case message = "message_bytes"
        /// Levels of MessagePack: messages refused over more.
        case depth = "depth"
        /// `receive.forNothing`: times that a peer was left waiting.
        case forNothing = "for_nothing_per_s"
        /// `receive.waiting`: times that a peer was held back; used: by the peer of whom most waits.
        case waiting = "waiting_bytes"
        /// `receive.events`: events dropped that nobody took.
        case events
        /// `receive.eventBytes`: broadcasts dropped that nobody took.
        case eventBytes = "event_bytes"
        /// `send.buffer`: times that a buffer was full; used: by the peer for whom most waits.
        case sendBuffer = "send_buffer_bytes"
        /// `send.wait`: sends that failed.
        case sendWait = "send_wait_ms"
        /// `send.full`: peers dropped.
        case sendFull = "send_full_ms"
        /// `send.requests`: requests that were not sent; used: by the peer who owes most answers.
        case requests
        /// Requests that nobody answered in their time; `send.request` where they have none of their own.
        case request = "request_ms"
        /// `idle.keepalive`: peers asked whether they are there.
        case keepalive = "keepalive_ms"
        /// `idle.drop`: peers dropped.
        case idle = "idle_ms"
        /// `RecordSealer.rekeyInterval`: records under one key; used: by the connection with most since its last key.
        /// Reached: new keys, of both directions.
        case records

        // Finding others.

        /// `DiscoveryConfiguration.lookupLimit`: lookups refused.
        case lookups
        /// `LookupOptions.timeout`: lookups that ended because their time was up.
        case lookup = "lookup_ms"
        /// `LookupOptions.queryTimeout`: queries that nobody answered in their time.
        case lookupQuery = "lookup_query_ms"
        /// `DiscoveryConfiguration.answers`: lookups of one peer that were left unanswered.
        case lookupsAnswered = "lookups_answered_per_s"
        /// `table.bucketSize`: contacts that found their bucket full.
        case bucket = "bucket_contacts"
        /// `table.siblings`: contacts whose place in the full list a nearer one took; used: how many there are.
        case siblings
        /// `table.replacements`: contacts that found no room to wait in either; used: in the bucket with most.
        case replacements = "bucket_replacements"
        /// `table.subnetInBucket`: contacts refused.
        case subnetInBucket = "subnet_in_bucket"
        /// `table.subnetInTable`: contacts refused.
        case subnetInTable = "subnet_in_table"
        /// `table.failures`: contacts that went over so many.
        case contactFailures = "contact_failures"

        // Telling everyone.

        /// `BroadcastConfiguration.ageLimit`: broadcasts dropped as too old, or from too far ahead.
        case broadcastAge = "broadcast_age_ms"
        /// `BroadcastConfiguration.idLimit`: ids forgotten before their time.
        case broadcastIDs = "broadcast_ids"
        /// `BroadcastConfiguration.bodyLimit`: bodies forgotten before their time.
        case broadcastBodies = "broadcast_bytes"
        /// `BroadcastConfiguration.originRate`: broadcasts of one origin dropped.
        case broadcasts = "broadcasts_per_s"
        /// `BroadcastConfiguration.senderRate`: new broadcasts from one peer dropped.
        case senderBroadcasts = "sender_broadcasts_per_s"

        // Relaying for others.

        /// `RelayServer.Configuration.doors`: requests refused.
        case doors = "relay_doors"
        /// `RelayServer.Configuration.doorsPerNode`: requests refused; used: by the node with most.
        case doorsPerNode = "relay_doors_per_node"
        /// `RelayServer.Configuration.circuits`: connections turned away at a door; used: at the door with most.
        case circuits = "relay_circuits"
        /// `RelayServer.Configuration.circuitTime`: connections ended.
        case circuitTime = "relay_circuit_ms"
    }

    /// Which limit.
    public let name: Name
    /// How much of it is in use; nil where that means nothing.
    public let used: Int?
    /// What it is set to, in the unit that the name says.
    public let limit: Double
    /// How much may come at once; nil for what is not a rate.
    public let burst: Double?
    /// How often it was reached since the node started. The node counts that; components leave it at zero.
    public var reached: UInt64 = 0

    /// A limit and what is in use of it.
    public init(_ name: Name, used: Int? = nil, _ limit: Double, burst: Double? = nil) {
        self.name = name
        self.used = used
        self.limit = limit
        self.burst = burst
    }

    /// A limit of a number of things.
    public init(_ name: Name, used: Int? = nil, _ limit: Int) { self.init(name, used: used, Double(limit)) }

    /// A limit of time.
    public init(_ name: Name, _ limit: Duration) { self.init(name, limit.milliseconds) }

    /// A limit of how often something may happen.
    public init(_ name: Name, _ rate: TokenBucket.Rate) { self.init(name, rate.perSecond, burst: rate.burst) }
}
