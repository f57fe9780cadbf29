/// The names of UPnP's errors (Device Architecture 1.1 §3.2.2, WANIPConnection 1 and 2 §2.4): the library knows some.
enum UPnPErrorName {
    /// Nil for a code that no standard names.
    static func of(_ code: Int) -> String? { names[code] }

    private static let names = [
        401: "InvalidAction", 402: "InvalidArgs", 501: "ActionFailed", 600: "ArgumentValueInvalid",
        601: "ArgumentValueOutOfRange", 602: "OptionalActionNotImplemented", 603: "OutOfMemory",
        604: "HumanInterventionRequired", 605: "StringArgumentTooLong", 606: "ActionNotAuthorized",
        713: "SpecifiedArrayIndexInvalid", 714: "NoSuchEntryInArray", 715: "WildCardNotPermittedInSrcIP",
        716: "WildCardNotPermittedInExtPort", 718: "ConflictInMappingEntry", 724: "SamePortValuesRequired",
        725: "OnlyPermanentLeasesSupported", 726: "RemoteHostOnlySupportsWildcard",
        727: "ExternalPortOnlySupportsWildcard", 728: "NoPortMapsAvailable", 729: "ConflictWithOtherMechanisms",
        730: "PortMappingNotFound", 731: "ReadOnly", 732: "WildCardNotPermittedInIntPort",
        733: "InconsistentParameters",
    ]
}
