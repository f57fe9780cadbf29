function __carrier_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __carrier_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __carrier_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __carrier_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __carrier_parse_tokens -S
    set -l unparsed_tokens (__carrier_tokens -pc)
    switch $unparsed_tokens[1]
    case 'carrier'
        __carrier_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'keygen'
            __carrier_parse_subcommand 1 'json' 'q/quiet' 'v/verbose' 'timeout=' 'color=' 'o/output=' 'static-bits=' 'dynamic-bits=' 'threads=' 'force' 'public' 'check' 'version' 'h/help'
        case 'listen'
            __carrier_parse_subcommand -r 1 'json' 'q/quiet' 'v/verbose' 'timeout=' 'color=' 'identity=' 'ephemeral' 'network=' 'connect-timeout=' 'min-static=' 'min-dynamic=' '4' '6' 'keylog=' 'record=' 'bootstrap=+' 'nat=' 'relay=+' 'relay-for-others' 'pipe' 'exec=' 'echo' 'opcode=+' 'allow=+' 'deny=+' 'max-peers=' 'advertise=+' 'once' 'count=' 'duration=' 'idle=' 'ready-fd=' 'ready-file=' 'state=' 'stats=' 'version' 'h/help'
        case 'dial'
            __carrier_parse_subcommand -r 1 'json' 'q/quiet' 'v/verbose' 'timeout=' 'color=' 'identity=' 'ephemeral' 'network=' 'connect-timeout=' 'min-static=' 'min-dynamic=' '4' '6' 'keylog=' 'record=' 'bootstrap=+' 'send-only' 'recv-only' 'linger=' 'z' 'messages=' 'opcode=' 'version' 'h/help'
        case 'ping'
            __carrier_parse_subcommand -r 1 'json' 'q/quiet' 'v/verbose' 'timeout=' 'color=' 'identity=' 'ephemeral' 'network=' 'connect-timeout=' 'min-static=' 'min-dynamic=' '4' '6' 'keylog=' 'record=' 'bootstrap=+' 'c=' 'i=' 'W=' 's=' 'layer=' 'until=' 'max-loss=' 'max-rtt=' 'chart' 'version' 'h/help'
        case 'lookup'
            __carrier_parse_subcommand -r 1 'json' 'q/quiet' 'v/verbose' 'timeout=' 'color=' 'identity=' 'ephemeral' 'network=' 'connect-timeout=' 'min-static=' 'min-dynamic=' '4' '6' 'keylog=' 'record=' 'bootstrap=+' 'node-id' 'closest=' 'via=' 'k=' 'alpha=' 'paths=' 'min-agree=' 'verify' 'trace' 'dot' 'version' 'h/help'
        case 'broadcast'
            __carrier_parse_subcommand -r 1 'json' 'q/quiet' 'v/verbose' 'timeout=' 'color=' 'identity=' 'ephemeral' 'network=' 'connect-timeout=' 'min-static=' 'min-dynamic=' '4' '6' 'keylog=' 'record=' 'bootstrap=+' 'frames=' 'opcode=' 'codec=' 'min-peers=' 'redundancy=' 'report=' 'dot' 'version' 'h/help'
        case 'nat-map'
            __carrier_parse_subcommand -r 1 'json' 'q/quiet' 'v/verbose' 'timeout=' 'color=' 'identity=' 'ephemeral' 'network=' 'connect-timeout=' 'min-static=' 'min-dynamic=' '4' '6' 'keylog=' 'record=' 'bootstrap=+' 'protocol=' 'lease=' 'once' 'release' 'list' 'gateway=' 'check-via=' 'version' 'h/help'
        case 'decode'
            __carrier_parse_subcommand -r 1 'json' 'q/quiet' 'v/verbose' 'timeout=' 'color=' 'in=' 'keylog=' 'only=' 'verify' 'stats' 'payload' 'strict' 'encode' 'version' 'h/help'
        case 'help'
            __carrier_parse_subcommand -r 1 'version'
        end
    end
end

function __carrier_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __carrier_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __carrier_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __carrier_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__carrier_tokens -p)
    if test -z "$(__carrier_tokens -t)"
        set -l index (count (__carrier_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'carrier' -f
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier" -eq 1' -fa 'keygen' -d 'Make an identity, or show or check one.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier" -eq 1' -fa 'listen' -d 'Run a node: accept sessions, answer, print what arrives.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier" -eq 1' -fa 'dial' -d 'Connect to a node and join its byte stream to stdin and stdout.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier" -eq 1' -fa 'ping' -d 'Measure how fast nodes answer.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier" -eq 1' -fa 'lookup' -d 'Find the addresses of peers in the overlay.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier" -eq 1' -fa 'broadcast' -d 'Send messages to everyone in the overlay.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier" -eq 1' -fa 'nat-map' -d 'Have the router map ports to this machine.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier" -eq 1' -fa 'decode' -d 'Show the frames in a recording, a capture or a dump.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" json' -l 'json' -d 'Print JSON Lines: one object a line (see carrier help json).'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" q quiet' -l 'quiet' -s 'q' -d 'Leave out notes and progress on stderr, and single results where there is a sum.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen"' -s 'v' -l 'verbose' -d 'Log to stderr: -v info, -vv debug, -vvv trace.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" timeout' -l 'timeout' -d 'End with exit code 7 when not done by then.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" color' -l 'color' -d 'Colour the text output.' -rfka 'auto always never'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" o output' -l 'output' -s 'o' -d 'Write here; - is stdout.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" static-bits' -l 'static-bits' -d 'Zero bits of the static puzzle; each doubles the work.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" dynamic-bits' -l 'dynamic-bits' -d 'Zero bits of the dynamic puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" threads' -l 'threads' -d 'Search on so many threads (default: one a processor).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" force' -l 'force' -d 'Replace a file that exists and keep it as FILE.bak.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" public' -l 'public' -d 'Print the id of the identity in FILE.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" check' -l 'check' -d 'Check permissions, format and puzzle bits of FILE.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier keygen" -eq 1' -F
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier keygen" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" json' -l 'json' -d 'Print JSON Lines: one object a line (see carrier help json).'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" q quiet' -l 'quiet' -s 'q' -d 'Leave out notes and progress on stderr, and single results where there is a sum.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen"' -s 'v' -l 'verbose' -d 'Log to stderr: -v info, -vv debug, -vvv trace.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" timeout' -l 'timeout' -d 'End with exit code 7 when not done by then.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" color' -l 'color' -d 'Colour the text output.' -rfka 'auto always never'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" identity' -l 'identity' -d 'The identity to use, a PEM file of carrier keygen.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" ephemeral' -l 'ephemeral' -d 'Use a fresh identity that is never stored.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" network' -l 'network' -d 'The network\'s number; both sides must agree.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" connect-timeout' -l 'connect-timeout' -d 'How long connecting and the handshake may take (default: 5s).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" min-static' -l 'min-static' -d 'Refuse peers below this static puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" min-dynamic' -l 'min-dynamic' -d 'Refuse peers below this dynamic puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" 4' -s '4' -d 'Use IPv4 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" 6' -s '6' -d 'Use IPv6 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" keylog' -l 'keylog' -d 'Append the keys of each session to a file, for decode.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" record' -l 'record' -d 'Record all frames, in the clear, to a file or -.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen"' -l 'bootstrap' -d 'A peer through which to join the overlay; may be repeated.' -rfka '(__carrier_custom_completion ---completion listen -- --bootstrap (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" nat' -l 'nat' -d 'Have the router map the ports that the node listens on.' -rfka 'auto upnp natpmp off'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen"' -l 'relay' -d 'Ask this relay for a door where it cannot reach the node itself. May be repeated.' -rfka '(__carrier_custom_completion ---completion listen -- --relay (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" relay-for-others' -l 'relay-for-others' -d 'Hold doors open for nodes that nobody can dial.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" pipe' -l 'pipe' -d 'Make the first session\'s byte stream stdin and stdout, then exit.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" exec' -l 'exec' -d 'Run a command, by /bin/sh -c, for each session\'s byte stream.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" echo' -l 'echo' -d 'Send each session\'s byte stream back.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen"' -l 'opcode' -d 'A message to print: N, N=NAME or N=NAME:CODEC; others are then refused. May be repeated.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen"' -l 'allow' -d 'Let in these peers only; an id, or @FILE with one a line. May be repeated.' -rfka '(__carrier_custom_completion ---completion listen -- --allow (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen"' -l 'deny' -d 'Turn away these peers; an id, or @FILE with one a line. May be repeated.' -rfka '(__carrier_custom_completion ---completion listen -- --deny (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" max-peers' -l 'max-peers' -d 'Inbound sessions at most; the limit of descriptors, children\'s too, is raised where they need it.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen"' -l 'advertise' -d 'An address to tell others instead of the bound ones. May be repeated.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" once' -l 'once' -d 'Exit after the first session; as --count 1.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" count' -l 'count' -d 'Exit after so many sessions.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" duration' -l 'duration' -d 'Exit after this time.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" idle' -l 'idle' -d 'Exit after so long without a session.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" ready-fd' -l 'ready-fd' -d 'Write the addresses to this descriptor, then close it.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" ready-file' -l 'ready-file' -d 'Write the addresses to this file or FIFO.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" state' -l 'state' -d 'Keep the routing table in this directory between runs.' -rfa '(__carrier_complete_directories)'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" stats' -l 'stats' -d 'Say this often, and once more at the end, what the node has counted and how much of its limits is in use; on a terminal, chart its traffic.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier listen" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" json' -l 'json' -d 'Print JSON Lines: one object a line (see carrier help json).'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" q quiet' -l 'quiet' -s 'q' -d 'Leave out notes and progress on stderr, and single results where there is a sum.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial"' -s 'v' -l 'verbose' -d 'Log to stderr: -v info, -vv debug, -vvv trace.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" timeout' -l 'timeout' -d 'End with exit code 7 when not done by then.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" color' -l 'color' -d 'Colour the text output.' -rfka 'auto always never'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" identity' -l 'identity' -d 'The identity to use, a PEM file of carrier keygen.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" ephemeral' -l 'ephemeral' -d 'Use a fresh identity that is never stored.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" network' -l 'network' -d 'The network\'s number; both sides must agree.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" connect-timeout' -l 'connect-timeout' -d 'How long connecting and the handshake may take (default: 5s).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" min-static' -l 'min-static' -d 'Refuse peers below this static puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" min-dynamic' -l 'min-dynamic' -d 'Refuse peers below this dynamic puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" 4' -s '4' -d 'Use IPv4 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" 6' -s '6' -d 'Use IPv6 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" keylog' -l 'keylog' -d 'Append the keys of each session to a file, for decode.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" record' -l 'record' -d 'Record all frames, in the clear, to a file or -.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial"' -l 'bootstrap' -d 'A peer through which to join the overlay; may be repeated.' -rfka '(__carrier_custom_completion ---completion dial -- --bootstrap (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" send-only' -l 'send-only' -d 'Send stdin, receive nothing, end when the peer has acknowledged the last byte.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" recv-only' -l 'recv-only' -d 'Receive only; stdin is never opened.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" linger' -l 'linger' -d 'Receive for so long after the end of stdin.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" z' -s 'z' -d 'Shake hands and say how long it took; send nothing.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" messages' -l 'messages' -d 'Send records of stdin as messages: lines, json (MessagePack) or len32.' -rfka 'lines json len32'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" opcode' -l 'opcode' -d 'The opcode of the messages (default: 1000).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier dial" -ge 1' -fka '(__carrier_custom_completion ---completion dial -- positional@0 (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier dial" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" json' -l 'json' -d 'Print JSON Lines: one object a line (see carrier help json).'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" q quiet' -l 'quiet' -s 'q' -d 'Leave out notes and progress on stderr, and single results where there is a sum.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping"' -s 'v' -l 'verbose' -d 'Log to stderr: -v info, -vv debug, -vvv trace.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" timeout' -l 'timeout' -d 'End with exit code 7 when not done by then.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" color' -l 'color' -d 'Colour the text output.' -rfka 'auto always never'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" identity' -l 'identity' -d 'The identity to use, a PEM file of carrier keygen.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" ephemeral' -l 'ephemeral' -d 'Use a fresh identity that is never stored.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" network' -l 'network' -d 'The network\'s number; both sides must agree.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" connect-timeout' -l 'connect-timeout' -d 'How long connecting and the handshake may take (default: 5s).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" min-static' -l 'min-static' -d 'Refuse peers below this static puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" min-dynamic' -l 'min-dynamic' -d 'Refuse peers below this dynamic puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" 4' -s '4' -d 'Use IPv4 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" 6' -s '6' -d 'Use IPv6 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" keylog' -l 'keylog' -d 'Append the keys of each session to a file, for decode.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" record' -l 'record' -d 'Record all frames, in the clear, to a file or -.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping"' -l 'bootstrap' -d 'A peer through which to join the overlay; may be repeated.' -rfka '(__carrier_custom_completion ---completion ping -- --bootstrap (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" c' -s 'c' -d 'How many pings to send.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" i' -s 'i' -d 'From one ping to the next (default: 1s).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" W' -s 'W' -d 'How long to wait for an answer (default: 2s).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" s' -s 's' -d 'Bytes of payload (default: 32).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" layer' -l 'layer' -d 'How far a ping goes: connect, handshake or echo.' -rfka 'connect handshake echo'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" until' -l 'until' -d 'Go on until the target is up, or down.' -rfka 'up down'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" max-loss' -l 'max-loss' -d 'Exit 1 when more is lost.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" max-rtt' -l 'max-rtt' -d 'Exit 1 when the average round trip is longer.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" chart' -l 'chart' -d 'Show the course of the round trips as bars, at the end.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier ping" -ge 1' -fka '(__carrier_custom_completion ---completion ping -- positional@0 (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier ping" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" json' -l 'json' -d 'Print JSON Lines: one object a line (see carrier help json).'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" q quiet' -l 'quiet' -s 'q' -d 'Leave out notes and progress on stderr, and single results where there is a sum.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup"' -s 'v' -l 'verbose' -d 'Log to stderr: -v info, -vv debug, -vvv trace.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" timeout' -l 'timeout' -d 'End with exit code 7 when not done by then.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" color' -l 'color' -d 'Colour the text output.' -rfka 'auto always never'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" identity' -l 'identity' -d 'The identity to use, a PEM file of carrier keygen.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" ephemeral' -l 'ephemeral' -d 'Use a fresh identity that is never stored.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" network' -l 'network' -d 'The network\'s number; both sides must agree.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" connect-timeout' -l 'connect-timeout' -d 'How long connecting and the handshake may take (default: 5s).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" min-static' -l 'min-static' -d 'Refuse peers below this static puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" min-dynamic' -l 'min-dynamic' -d 'Refuse peers below this dynamic puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" 4' -s '4' -d 'Use IPv4 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" 6' -s '6' -d 'Use IPv6 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" keylog' -l 'keylog' -d 'Append the keys of each session to a file, for decode.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" record' -l 'record' -d 'Record all frames, in the clear, to a file or -.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup"' -l 'bootstrap' -d 'A peer through which to join the overlay; may be repeated.' -rfka '(__carrier_custom_completion ---completion lookup -- --bootstrap (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" node-id' -l 'node-id' -d 'The ids are node ids, not public keys.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" closest' -l 'closest' -d 'Print so many nodes nearest to the id instead; the number may be left out (default: 16).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" via' -l 'via' -d 'Ask this one node, once.' -rfka '(__carrier_custom_completion ---completion lookup -- --via (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" k' -s 'k' -d 'Nearest nodes that a path asks, and records an answer holds.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" alpha' -l 'alpha' -d 'Queries of a path at a time.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" paths' -l 'paths' -d 'Disjoint paths.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" min-agree' -l 'min-agree' -d 'Exit 2 when fewer paths agree.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" verify' -l 'verify' -d 'Dial what was found and see who answers.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" trace' -l 'trace' -d 'Show each query.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" dot' -l 'dot' -d 'Print each lookup as a Graphviz graph instead: its paths, and who named whom. For dot -Tsvg.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier lookup" -ge 1' -fka '(__carrier_custom_completion ---completion lookup -- positional@0 (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier lookup" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" json' -l 'json' -d 'Print JSON Lines: one object a line (see carrier help json).'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" q quiet' -l 'quiet' -s 'q' -d 'Leave out notes and progress on stderr, and single results where there is a sum.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast"' -s 'v' -l 'verbose' -d 'Log to stderr: -v info, -vv debug, -vvv trace.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" timeout' -l 'timeout' -d 'End with exit code 7 when not done by then.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" color' -l 'color' -d 'Colour the text output.' -rfka 'auto always never'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" identity' -l 'identity' -d 'The identity to use, a PEM file of carrier keygen.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" ephemeral' -l 'ephemeral' -d 'Use a fresh identity that is never stored.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" network' -l 'network' -d 'The network\'s number; both sides must agree.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" connect-timeout' -l 'connect-timeout' -d 'How long connecting and the handshake may take (default: 5s).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" min-static' -l 'min-static' -d 'Refuse peers below this static puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" min-dynamic' -l 'min-dynamic' -d 'Refuse peers below this dynamic puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" 4' -s '4' -d 'Use IPv4 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" 6' -s '6' -d 'Use IPv6 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" keylog' -l 'keylog' -d 'Append the keys of each session to a file, for decode.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" record' -l 'record' -d 'Record all frames, in the clear, to a file or -.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast"' -l 'bootstrap' -d 'A peer through which to join the overlay; may be repeated.' -rfka '(__carrier_custom_completion ---completion broadcast -- --bootstrap (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" frames' -l 'frames' -d 'What a message is: lines, whole or len32.' -rfka 'lines whole len32'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" opcode' -l 'opcode' -d 'The application\'s opcode (default: 1000).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" codec' -l 'codec' -d 'How the messages are encoded: bytes, msgpack or protobuf.' -rfka 'bytes msgpack protobuf'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" min-peers' -l 'min-peers' -d 'Exit 1 when fewer delegates acknowledge.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" redundancy' -l 'redundancy' -d 'Delegates in each bucket.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" report' -l 'report' -d 'How long to wait for the report; 0s for none (default: 10s).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" dot' -l 'dot' -d 'Print the delegation tree of each message as a Graphviz graph instead, as far as this node knows it: its delegates, and what each reports of the nodes below. For dot -Tsvg.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier broadcast" -ge 1' -F
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier broadcast" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" json' -l 'json' -d 'Print JSON Lines: one object a line (see carrier help json).'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" q quiet' -l 'quiet' -s 'q' -d 'Leave out notes and progress on stderr, and single results where there is a sum.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map"' -s 'v' -l 'verbose' -d 'Log to stderr: -v info, -vv debug, -vvv trace.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" timeout' -l 'timeout' -d 'End with exit code 7 when not done by then.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" color' -l 'color' -d 'Colour the text output.' -rfka 'auto always never'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" identity' -l 'identity' -d 'The identity to use, a PEM file of carrier keygen.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" ephemeral' -l 'ephemeral' -d 'Use a fresh identity that is never stored.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" network' -l 'network' -d 'The network\'s number; both sides must agree.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" connect-timeout' -l 'connect-timeout' -d 'How long connecting and the handshake may take (default: 5s).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" min-static' -l 'min-static' -d 'Refuse peers below this static puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" min-dynamic' -l 'min-dynamic' -d 'Refuse peers below this dynamic puzzle.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" 4' -s '4' -d 'Use IPv4 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" 6' -s '6' -d 'Use IPv6 only.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" keylog' -l 'keylog' -d 'Append the keys of each session to a file, for decode.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" record' -l 'record' -d 'Record all frames, in the clear, to a file or -.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map"' -l 'bootstrap' -d 'A peer through which to join the overlay; may be repeated.' -rfka '(__carrier_custom_completion ---completion nat-map -- --bootstrap (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" protocol' -l 'protocol' -d 'How to ask the router.' -rfka 'auto upnp natpmp'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" lease' -l 'lease' -d 'Ask for so long a lease, at most 7d (default: 1h).' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" once' -l 'once' -d 'Map and leave: the mapping ends with its lease.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" release' -l 'release' -d 'Remove the mappings of these ports.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" list' -l 'list' -d 'Print the router\'s table (UPnP).'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" gateway' -l 'gateway' -d 'Ask this router, not the default route\'s.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" check-via' -l 'check-via' -d 'Ask this peer to dial the mapping, from outside.' -rfka '(__carrier_custom_completion ---completion nat-map -- --check-via (count (__carrier_tokens -pc)) (__carrier_tokens -tC))'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier nat-map" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" json' -l 'json' -d 'Print JSON Lines: one object a line (see carrier help json).'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" q quiet' -l 'quiet' -s 'q' -d 'Leave out notes and progress on stderr, and single results where there is a sum.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode"' -s 'v' -l 'verbose' -d 'Log to stderr: -v info, -vv debug, -vvv trace.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" timeout' -l 'timeout' -d 'End with exit code 7 when not done by then.' -rfka ''
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" color' -l 'color' -d 'Colour the text output.' -rfka 'auto always never'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" in' -l 'in' -d 'What the input is.' -rfka 'auto frames hex base64 pcap json'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" keylog' -l 'keylog' -d 'Open sessions with the keys in this file.' -rF
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" only' -l 'only' -d 'Show only these: names like ping, opcode numbers, layers, gap.' -rfka 'ack-response application broadcast broadcast-digest broadcast-report broadcast-want bytes disconnect gap handshake handshake-1 handshake-2 handshake-3 keepalive keepalive-response lookup-node-request lookup-node-response metric-request metric-response ping pong preface proxy-request proxy-response reachability-request reachability-response record retry session unregistered'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" verify' -l 'verify' -d 'Check signatures and puzzles; a failed check is exit code 4.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" stats' -l 'stats' -d 'Show only how many there are of each kind, at the end.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" payload' -l 'payload' -d 'Show the bodies of frames too.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" strict' -l 'strict' -d 'End at the first gap or malformed frame, with exit code 65.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" encode' -l 'encode' -d 'Read JSON Lines of decode --json and write the bytes they were made from.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier decode" -ge 1' -F
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier decode" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_flags_or_options "carrier help" version' -l 'version' -d 'Show the version.'
complete -c 'carrier' -n '__carrier_should_offer_completions_for_positional "carrier help" -eq 1' -fa 'keygen listen dial ping lookup broadcast nat-map decode exit-codes json addresses reachability pipelines'
