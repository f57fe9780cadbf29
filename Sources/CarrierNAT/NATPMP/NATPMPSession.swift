internal import CNATPMP
internal import CarrierWire
internal import Glibc

/// One question to a gateway over libnatpmp. Belongs to one thread.
///
/// The library repeats a request for two minutes and reads answers unchecked; here the caller's patience ends it, and
/// every datagram is judged before the library sees it.
struct NATPMPSession: ~Copyable {
    private var state: natpmp_t
    private let mapper: String

    /// - Parameter gateway: nil for the default route's.
    init(gateway: IPAddress?, mapper: String) throws(NATError) {
        var fresh = natpmp_t()
        let code: Int32
        switch gateway {
        case .v4(let bits): code = initnatpmp(&fresh, 1, bits.bigEndian)
        case .v6: throw .network("NAT-PMP gateways have IPv4 addresses")
        case nil: code = initnatpmp(&fresh, 0, 0)
        }
        guard code == 0 else {
            let reason = lastError()
            if fresh.s >= 0 { closenatpmp(&fresh) }
            throw code == NATPMP_ERR_CANNOTGETGATEWAY ? .noRoute : .network("NAT-PMP: \(reason)")
        }
        state = fresh
        self.mapper = mapper
    }

    deinit {
        var state = state
        closenatpmp(&state)
    }

    var gateway: IPAddress { .v4(UInt32(bigEndian: state.gateway)) }

    /// Asks, and waits for the answer as long as there is patience. Returns the answer and the gateway's epoch.
    mutating func ask(
        _ question: NATPMPQuestion, _ patience: Patience
    ) throws(NATError) -> (NATPMPAnswer, epoch: UInt32) {
        let sent =
            switch question {
            case .publicAddress: sendpublicaddressrequest(&state)
            case .mapping(let transport, let internalPort, let externalPort, let lifetime):
                sendnewportmappingrequest(
                    &state, transport == .tcp ? NATPMP_PROTOCOL_TCP : NATPMP_PROTOCOL_UDP, internalPort, externalPort,
                    lifetime)
            }
        // A refusal of an earlier datagram is told at the next one: the same as being told at its answer.
        if sent < 0 { throw errno == ECONNREFUSED ? unsupported : .network("cannot ask \(gateway): \(lastError())") }
        var stray: String?
        while !patience.isOver {
            var entry = pollfd(fd: state.s, events: Int16(POLLIN), revents: 0)
            if poll(&entry, 1, min(untilRetry(), patience.slice)) > 0 {
                switch try peek(question) {
                case .answer: break
                case .stray(let what):
                    stray = what
                    _ = drop()
                    continue
                case .nonsense(let expected, let got):
                    throw .invalidAnswer(gateway, expected: expected, got: got)
                case nil: continue
                }
            }
            var response = natpmpresp_t()
            let code = readnatpmpresponseorretry(&state, &response)
            if code == NATPMP_TRYAGAIN { continue }
            if code != 0 { throw error(code, question) }
            return (answer(response), response.epoch)
        }
        if let stray { throw .invalidAnswer(gateway, expected: "an answer to the question", got: stray) }
        throw .silent(gateway, mapper: mapper)
    }

    /// Milliseconds until the library wants to repeat the request.
    private mutating func untilRetry() -> Int32 {
        var left = timeval()
        guard getnatpmprequesttimeout(&state, &left) == 0, left.tv_sec >= 0 else { return 0 }
        return Int32(clamping: left.tv_sec &* 1000 &+ Int(left.tv_usec) / 1000 &+ 1)
    }

    private var unsupported: NATError { .unsupported(gateway, mapper: mapper) }

    /// Judges the next datagram and leaves it for the library; nil when there is none.
    private func peek(_ question: NATPMPQuestion) throws(NATError) -> NATPMPQuestion.Verdict? {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = recv(state.s, &bytes, bytes.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count < 0 {
            switch errno {
            case EAGAIN, EINTR: return nil
            case ECONNREFUSED: throw unsupported
            default: throw .network("cannot ask \(gateway): \(lastError())")
            }
        }
        return question.judge(Array(bytes.prefix(count)))
    }

    private func drop() -> Int {
        var byte: UInt8 = 0
        return recv(state.s, &byte, 1, Int32(MSG_DONTWAIT))
    }

    private func answer(_ response: natpmpresp_t) -> NATPMPAnswer {
        if Int32(response.type) == NATPMP_RESPTYPE_PUBLICADDRESS {
            return .publicAddress(UInt32(bigEndian: response.pnu.publicaddress.addr.s_addr))
        }
        let mapping = response.pnu.newportmapping
        return .mapping(externalPort: mapping.mappedpublicport, lifetime: mapping.lifetime)
    }

    private func error(_ code: Int32, _ question: NATPMPQuestion) -> NATError {
        var request: PortRequest?
        if case .mapping(let transport, let internalPort, let externalPort, _) = question {
            request = PortRequest(transport, internalPort, externalPort: externalPort)
        }
        func refused(_ code: Int, _ name: String) -> NATError {
            .refused(gateway, code: code, name: name, request: request)
        }
        // The codes of RFC 6886 §3.5, which the library makes negative.
        switch code {
        case NATPMP_ERR_NOTAUTHORIZED: return refused(2, "NotAuthorized")
        case NATPMP_ERR_NETWORKFAILURE: return .noPublicAddress(gateway, code: 3, name: "NetworkFailure")
        case NATPMP_ERR_OUTOFRESOURCES: return refused(4, "OutOfResources")
        case NATPMP_ERR_UNSUPPORTEDOPCODE: return refused(5, "UnsupportedOpcode")
        case NATPMP_ERR_UNSUPPORTEDVERSION, NATPMP_ERR_NOGATEWAYSUPPORT: return unsupported
        case NATPMP_ERR_UNDEFINEDERROR:
            return .invalidAnswer(gateway, expected: "a result code from 0 to 5", got: "another")
        default: return .network("NAT-PMP failed (\(code)): \(lastError())")
        }
    }
}
