// `import Carrier` is all that an application needs: the modules beneath come with it.
@_exported public import CarrierCrypto
@_exported public import CarrierNAT
@_exported public import CarrierProtocols
@_exported public import CarrierTransport
@_exported public import CarrierWire
