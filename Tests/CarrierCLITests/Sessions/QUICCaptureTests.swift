#if QUIC
    import Foundation
    import Testing

    @Suite(
        "Captures of QUIC",
        .enabled(
            if: Permission.capture && Scratch.has("tshark"), "needs tshark, tcpdump and the right to capture"))
    struct QUICCaptureTests {
        @Test(
            "Wireshark opens a capture with the keys of SSLKEYLOGFILE or of --keylog", arguments: ["", "--keylog keys"])
        func opens(option: String) async throws {
            // Else loopback shows several packets as one.
            let separate = ["CARRIER_NO_OFFLOAD": "1"]
            let node = try await ListeningNode([], on: "quic://127.0.0.1:0", environment: separate)
            let outcome = try await node.scratch.shell(
                """
                port=${A##*:}
                tcpdump -i lo --immediate-mode -U -w capture udp port $port 2>tcpdump.log & dump=$!
                until grep -q listening tcpdump.log; do sleep 0.02; done
                \(option.isEmpty ? "export SSLKEYLOGFILE=$PWD/keys" : "")
                carrier ping -q -c 3 -i 10ms \(option) "$A" >/dev/null || exit
                sleep 0.5; kill -INT $dump; wait $dump
                grep -o '^[A-Z]*_TRAFFIC_SECRET_0' keys | sort -u
                tshark -r capture -d udp.port==$port,quic -o tls.keylog_file:keys -T fields -e quic.stream_data 2>/dev/null
                """, environment: separate.merging(["A": node.address]) { $1 }, limit: .seconds(60))
            #expect(outcome.lines.prefix(2) == ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"], "\(outcome)")
            // Both sides' prefaces, in the clear.
            #expect(outcome.lines.count { $0.hasPrefix("43415252") } == 2, "\(outcome)")
            // The bodies of pings.
            #expect(outcome.output.contains("0102030405060708"), "\(outcome)")
            _ = await node.end()
        }
    }
#endif
