public import CarrierProtocols

/// The node was stopped while a call waited for something from it, or before.
public struct NodeStopped: Error, Notice, Hashable, CustomStringConvertible {
    public var description: String { "expected a running node, it was stopped" }
}
