/// What `carrier help` explains beside the subcommands.
enum HelpTopic: String, CaseIterable {
    case exitCodes = "exit-codes"
    case json
    case addresses
    case reachability
    case pipelines

    /// The page.
    var text: String {
        switch self {
        case .exitCodes: Self.exitCodePage
        case .json: Self.jsonPage
        case .addresses: Self.addressPage
        case .reachability: Self.reachabilityPage
        case .pipelines: Self.pipelinePage
        }
    }

    /// A table of exit codes, one a line.
    static func table(of codes: [ExitCode], columns: Int = 76) -> String {
        codes.map { code in
            let head = "  \(padded("\(code.rawValue)", 4))\(padded(code.name, 12))"
            return head + wrapped(code.meaning, columns: columns - 18, indent: 18)
        }.joined(separator: "\n")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func wrapped(_ text: String, columns: Int, indent: Int) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if !last.isEmpty && last.count + 1 + word.count > columns {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)"
            }
        }
        return lines.joined(separator: "\n" + String(repeating: " ", count: indent))
    }

    private static var exitCodePage: String {
        """
        EXIT CODES, the same for every subcommand:
        \(table(of: ExitCode.allCases))

          129 130 143 141  died of HUP, INT, TERM, PIPE, after clean-up

        Several targets: all well is 0; some well, some not is 2; all failed alike is
        that code; otherwise 1.
        """
    }

    private static let addressPage = """
        ADDRESSES are written SCHEME://[PEERID@]HOST:PORT

          tcp://127.0.0.1:4000            whoever answers there
          tcp://PEERID@203.0.113.7:4000   only the peer with this id, or exit 4
          udp://host.example:4000         single messages: ping, lookup
          quic://[2001:db8::1]:4000       QUIC; IPv6 addresses stand in brackets

        PEERID is the peer's public key, 64 hex digits, as keygen prints it. Schemes
        are tcp, udp and quic. Port 0, for listen only, means: any free port. The
        addresses that listen and lookup print can be dialled as they stand.

        Bootstrap peers, the first that is given counts:
          --bootstrap ADDR     as often as wanted
          $CARRIER_BOOTSTRAP   addresses between spaces
          ${XDG_CONFIG_HOME:-~/.config}/carrier/bootstrap
                               one address a line, # begins a comment
        """

    private static let reachabilityPage = """
        REACHABILITY: how a node behind a router gets to be dialled

          carrier nat-map                        Is there a router that maps ports?
          carrier listen --nat auto              Has it map the ports listened on, tells
                                                 the network, and removes them at the end.
          carrier nat-map 4000/tcp --once --check-via ADDR
                                                 Maps, and asks a peer outside to dial in.
          carrier listen --relay-for-others      A relay: holds ports open for others.
          carrier listen --relay ADDR            Asks that relay for such a port, a door,
                                                 where the relay itself cannot dial in.
          carrier dial DOOR                      Like any address. The relay sees nothing
                                                 but ciphertext.

        listen asks peers that it dialled, its bootstrap peers say, to dial it back, and
        says on stderr whether they came through; with --json, see carrier help json.
        A private address of the router means that another NAT stands above it: map
        the port there too, or use a relay.
        """

    private static let pipelinePage = """
        PIPELINES

          An identity, and its id in a variable:
            ID=$(carrier keygen -o node.pem)
          A node in the background, dialled as soon as it is ready, without a sleep:
            mkfifo ready; carrier listen --identity node.pem --ready-file ready & read -r A <ready
            carrier ping -c 3 "$A"
          A directory over the network:
            carrier listen --pipe | tar xf -            # there
            tar cf - dir | carrier dial --send-only "$A"   # here
          Look a peer up, ping all of its addresses:
            carrier lookup "$ID" | xargs -r -n1 carrier ping -c 3
          Loss by target, as a table:
            carrier ping -c 3 --json - <peers |
              jq -r 'select(.type=="summary")|[.target,.loss_pct]|@tsv'
          Log lines to everybody:
            tail -n3 app.log | carrier broadcast --json - | jq -c 'select(.type=="sent")'
          Wait for a peer, then go on:
            carrier ping --until up --timeout 30s "$A" && run-tests
          Read a capture with its keys:
            tcpdump -U -w - -i lo tcp port "$P" | carrier decode --keylog keys --json -
          A mapped port, as soon as the router grants it:
            carrier nat-map 4000/tcp --json |
              jq --unbuffered -r 'select(.type=="mapped").external'

        Signals: the first INT, TERM or HUP stops the command, which cleans up within
        two seconds and dies of that signal, so that loops in a script stop too; the
        second ends it at once. QUIT prints a line of status to stderr.
        """
}
