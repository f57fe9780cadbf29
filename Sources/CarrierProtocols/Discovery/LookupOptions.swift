public import CarrierCrypto

/// What a lookup is to find, and how much it may cost.
public struct LookupOptions: Hashable, Sendable {
    /// What ends a path.
    public enum Goal: Hashable, Sendable {
        /// The record of the node with just this id.
        case find
        /// So many nodes that are nearest to the id and answer.
        case closest(Int)
    }

    /// What ends a path. Default `find`.
    public var goal = Goal.find
    /// k: how many nearest nodes of a path are asked before it ends, and how many records are asked for. Default 16.
    public var k = 16
    /// How many queries of one path are on their way at a time. Default 3.
    public var alpha = 3
    /// d: how many disjoint paths. Default 4, at most 32.
    public var paths = 4
    /// How long one query may take. Default 3 s.
    public var queryTimeout = Duration.seconds(3)
    /// How long the lookup may take as a whole. Default 30 s.
    public var timeout = Duration.seconds(30)
    /// Ask this connected peer once and nobody else. Default nil.
    public var via: PeerID?
    /// Dial the addresses that were found and see who answers. Default no.
    public var verifies = false
    /// Tell the application of each query. Default no.
    public var isTraced = false

    /// The defaults.
    public init() {}

    /// The options within what makes sense: a request can say 1 to 20 records, a set of paths 32.
    var bounded: LookupOptions {
        var options = self
        options.k = min(max(1, k), 20)
        // As many nearest nodes as are wanted have to be asked.
        if case .closest(let count) = goal { options.k = min(max(options.k, count), 20) }
        options.alpha = min(max(1, alpha), 16)
        options.paths = via == nil ? min(max(1, paths), 32) : 1
        return options
    }
}
