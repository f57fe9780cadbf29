/// The version of carrier, as peers see it in a Hello: `carrier/0.1.0`.
public let carrierVersion = "0.1.0"
