internal import CMiniUPnPc
internal import CarrierWire

/// One action of a UPnP service.
struct SOAPCall {
    let service: UPnPService
    let action: String
    /// In the order that the action declares.
    let arguments: KeyValuePairs<String, String>

    /// What the service answered.
    enum Outcome {
        /// The values asked for, by name; "" where one is missing.
        case values([String: String])
        /// A UPnP error.
        case error(code: Int, name: String)
    }

    /// Calls, and returns the values named in `results`.
    func run(_ results: [String] = [], _ patience: Patience) throws(NATError) -> Outcome {
        guard let url = HTTPURL(service.control) else { throw .network("no control URL") }
        let (status, body) = try HTTPExchange(url: url).run(request(to: url), patience)
        if let fault = XMLBounds.fault(in: body) {
            throw .invalidAnswer(url.host, expected: "an answer to \(action): \(fault.expected)", got: fault.got)
        }
        var reply = NameValueParserData()
        body.withUnsafeBytes { raw in
            ParseNameValue(raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(raw.count), &reply)
        }
        defer { ClearNameValueList(&reply) }
        func value(_ name: String) -> String? {
            GetValueFromNameValueList(&reply, name).map { String(cString: $0).printable }
        }
        if let code = value("errorCode").flatMap({ Int($0) }) {
            return .error(code: code, name: UPnPErrorName.of(code) ?? value("errorDescription") ?? "Unknown")
        }
        guard status == 200 else {
            throw .invalidAnswer(url.host, expected: "an answer to \(action)", got: "HTTP \(status)")
        }
        var values: [String: String] = [:]
        for name in results { values[name] = value(name) ?? "" }
        return .values(values)
    }

    private func request(to url: HTTPURL) -> String {
        let fields = arguments.map { "<\($0)>\($1)</\($0)>" }.joined()
        let body =
            #"<?xml version="1.0"?>"# + "\r\n"
            + #"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" "#
            + #"s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>"#
            + #"<u:\#(action) xmlns:u="\#(service.type)">\#(fields)</u:\#(action)></s:Body></s:Envelope>"# + "\r\n"
        return """
            POST \(url.path) HTTP/1.1\r
            Host: \(url.host):\(url.port)\r
            User-Agent: carrier UPnP/1.1\r
            Content-Type: text/xml; charset="utf-8"\r
            SOAPAction: "\(service.type)#\(action)"\r
            Content-Length: \(body.utf8.count)\r
            Connection: close\r
            \r

            """ + body
    }
}
