internal import CMiniUPnPc
internal import CarrierWire

/// A service of a gateway that maps ports: `WANIPConnection` 1 or 2, or `WANPPPConnection`.
struct UPnPService: Hashable, Sendable {
    let control: String
    let type: String

    /// The services that a device description names, as the library reads it. Throws where one of them would be asked on
    /// another host than the gateway itself.
    static func read(_ description: [UInt8], from url: HTTPURL) throws(NATError) -> [UPnPService] {
        if let fault = XMLBounds.fault(in: description) {
            throw .invalidAnswer(url.host, expected: fault.expected, got: fault.got)
        }
        var data = IGDdatas()
        description.withUnsafeBytes { raw in
            parserootdesc(raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(raw.count), &data)
        }
        var services: [UPnPService] = []
        for entry in [data.first, data.second] {
            let type = text(of: entry.servicetype)
            let maps = ["WANIPConnection:", "WANPPPConnection:"].contains { type.contains(":service:\($0)") }
            guard maps, type.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !#""<>&#"#.utf8.contains($0) }) else {
                continue
            }
            data.first = entry
            services.append(UPnPService(control: try controlURL(&data, url), type: type))
        }
        return services
    }

    private static func controlURL(_ data: inout IGDdatas, _ url: HTTPURL) throws(NATError) -> String {
        var urls = UPNPUrls()
        GetUPNPUrls(&urls, &data, url.description, 0)
        defer { FreeUPNPUrls(&urls) }
        let got = urls.controlURL.map { String(cString: $0) } ?? ""
        guard let control = HTTPURL(got), control.host == url.host else {
            throw .invalidAnswer(
                url.host, expected: "a control URL on the gateway itself", got: String(got.prefix(128)).printable)
        }
        return got
    }

    /// A C string in a fixed array, which Swift sees as a tuple.
    private static func text<Tuple>(of tuple: Tuple) -> String {
        withUnsafeBytes(of: tuple) { raw in String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension String {
    /// Without control characters, for texts that come from a gateway.
    var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
