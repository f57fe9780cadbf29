import Testing

extension LabTests {
    @Suite("Row 35: nat-map and a hostile UPnP router")
    struct HostileGateway {
        /// A UPnP device on the host that it runs on: answers searches, and serves what its first argument says.
        static let server = #"""
            import socket, struct, sys, threading, time
            mode, ip = sys.argv[1], sys.argv[2]
            location = 'http://%s:5000/root.xml' % (ip if mode != 'foreign-description' else '192.168.101.11')
            control = {'foreign-control': 'http://192.168.101.11:5000/ctl'}.get(mode, '/ctl')
            good = ('<?xml version="1.0"?><root><device><deviceList><device><deviceList><device><serviceList><service>'
                    '<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>%s</controlURL>'
                    '</service></serviceList></device></deviceList></device></deviceList></device></root>' % control)

            def send(c, body):
                c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body) + body)

            def serve(c):
                try:
                    request = c.recv(65536)
                    if mode == 'hung' or (mode == 'hung-control' and b'POST' in request):
                        time.sleep(60)
                    elif mode == 'huge':
                        c.sendall(b'HTTP/1.1 200 OK\r\n\r\n<root>')
                        while True: c.sendall(b'<a>x</a>' * 8192)
                    elif mode == 'declared':
                        c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 4294967295\r\n\r\n<root>')
                        time.sleep(60)
                    elif mode == 'deep':
                        send(c, b'<a>' * 40000)
                    elif mode == 'garbage':
                        c.sendall(bytes(range(256)) * 64)
                    elif mode == 'dribble':
                        for b in b'HTTP/1.1 200 OK\r\n' + b'X: y\r\n' * 1000:
                            c.sendall(bytes([b])); time.sleep(0.1)
                    else:
                        send(c, good.encode() if b'GET' in request else b'<a></a>')
                except OSError: pass
                finally: c.close()

            web = socket.create_server(('', 5000))
            def accept():
                while True: threading.Thread(target=serve, args=(web.accept()[0],), daemon=True).start()
            threading.Thread(target=accept, daemon=True).start()
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('', 1900))
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('239.255.255.250') + socket.inet_aton(ip))
            print('ready', flush=True)
            while True:
                data, peer = s.recvfrom(2048)
                if mode == 'flood':
                    for n in range(100000):
                        s.sendto(('HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: %d\r\nLOCATION: http://%s:5000/%d\r\n\r\n' % (n, ip, n)).encode(), peer)
                        time.sleep(0.001)
                s.sendto(('HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: u\r\nLOCATION: %s\r\n\r\n' % location).encode(), peer)
            """#

        @Test(arguments: [
            ("foreign-control", "a control URL on the gateway itself"), ("foreign-description", "--gateway"),
            ("huge", "at most 131072 bytes"), ("declared", "at most 131072 bytes"), ("deep", "levels deep"),
            ("garbage", "an HTTP"), ("hung", "does not answer"), ("hung-control", "does not answer"),
            ("dribble", "does not answer"), ("flood", "gateway"),
        ])
        func isRefusedInTime(_ mode: String, _ words: String) async throws {
            try await Lab.with("--no-gateway") { lab in
                let script = try lab.file("device.py", Self.server)
                let device = try lab.start("r1", "python3 \(script) \(mode) 192.168.101.1")
                #expect(await device.line() == "ready", "\(device.errors)")
                let outcome = try await lab.on(
                    "lan1", "bash -c 'ulimit -v 4000000; carrier nat-map 4000/tcp --once --protocol upnp'")
                #expect(outcome.code == 3, "\(outcome)")
                #expect(outcome.elapsed < .seconds(6))
                #expect(outcome.errors.contains(words), "\(outcome.errors)")
                #expect(outcome.output.isEmpty)
            }
        }
    }
}
