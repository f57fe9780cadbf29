import CarrierCrypto
import CarrierWire

/// Arguments that the wire module knows how to read, for `transform:`.
enum AddressArgument {
    /// An address to dial.
    static func parse(_ text: String) throws(ArgumentProblem) -> Address {
        do { return try Address(text) } catch { throw ArgumentProblem("\(error)") }
    }
}
