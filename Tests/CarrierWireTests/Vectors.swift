import CarrierTesting
import Testing

extension Trait where Self == ConditionTrait {
    /// Skips a test where a file of others' vectors is missing, and says which.
    static func vectors(_ name: String) -> Self {
        .enabled(if: VectorFolder.has(name), "\(VectorFolder.skipReason(name))")
    }
}
