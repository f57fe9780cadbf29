#!/bin/bash

__carrier_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__carrier_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__carrier_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__carrier_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_carrier() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")

    local -a repeating_flags=()
    local -a non_repeating_flags=(--version -h --help)
    local -a repeating_options=()
    local -a non_repeating_options=()
    __carrier_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    keygen|listen|dial|ping|lookup|broadcast|nat-map|decode|help)
        # Offer subcommand argument completions
        "_carrier_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'keygen listen dial ping lookup broadcast nat-map decode help' -- "${cur}"))
        ;;
    esac
}

_carrier_keygen() {
    repeating_flags=(-v --verbose)
    non_repeating_flags=(--json --quiet -q --force --public --check --version -h --help)
    repeating_options=()
    non_repeating_options=(--timeout --color --output -o --static-bits --dynamic-bits --threads)
    __carrier_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--color')
        __carrier_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--output'|'-o')
        __carrier_add_completions -f
        return
        ;;
    '--static-bits')
        return
        ;;
    '--dynamic-bits')
        return
        ;;
    '--threads')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __carrier_add_completions -f
        return
        ;;
    esac
}

_carrier_listen() {
    repeating_flags=(-v --verbose)
    non_repeating_flags=(--json --quiet -q --ephemeral -4 -6 --relay-for-others --pipe --echo --once --version -h --help)
    repeating_options=(--bootstrap --relay --opcode --allow --deny --advertise)
    non_repeating_options=(--timeout --color --identity --network --connect-timeout --min-static --min-dynamic --keylog --record --nat --exec --max-peers --count --duration --idle --ready-fd --ready-file --state --stats)
    __carrier_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--color')
        __carrier_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--identity')
        __carrier_add_completions -f
        return
        ;;
    '--network')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--min-static')
        return
        ;;
    '--min-dynamic')
        return
        ;;
    '--keylog')
        __carrier_add_completions -f
        return
        ;;
    '--record')
        __carrier_add_completions -f
        return
        ;;
    '--bootstrap')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion listen -- --bootstrap "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '--nat')
        __carrier_add_completions -W 'auto'$'\n''upnp'$'\n''natpmp'$'\n''off'
        return
        ;;
    '--relay')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion listen -- --relay "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '--exec')
        return
        ;;
    '--opcode')
        return
        ;;
    '--allow')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion listen -- --allow "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '--deny')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion listen -- --deny "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '--max-peers')
        return
        ;;
    '--advertise')
        return
        ;;
    '--count')
        return
        ;;
    '--duration')
        return
        ;;
    '--idle')
        return
        ;;
    '--ready-fd')
        return
        ;;
    '--ready-file')
        __carrier_add_completions -f
        return
        ;;
    '--state')
        __carrier_add_completions -d
        return
        ;;
    '--stats')
        return
        ;;
    esac
}

_carrier_dial() {
    repeating_flags=(-v --verbose)
    non_repeating_flags=(--json --quiet -q --ephemeral -4 -6 --send-only --recv-only -z --version -h --help)
    repeating_options=(--bootstrap)
    non_repeating_options=(--timeout --color --identity --network --connect-timeout --min-static --min-dynamic --keylog --record --linger --messages --opcode)
    __carrier_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--color')
        __carrier_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--identity')
        __carrier_add_completions -f
        return
        ;;
    '--network')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--min-static')
        return
        ;;
    '--min-dynamic')
        return
        ;;
    '--keylog')
        __carrier_add_completions -f
        return
        ;;
    '--record')
        __carrier_add_completions -f
        return
        ;;
    '--bootstrap')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion dial -- --bootstrap "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '--linger')
        return
        ;;
    '--messages')
        __carrier_add_completions -W 'lines'$'\n''json'$'\n''len32'
        return
        ;;
    '--opcode')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion dial -- positional@0 "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_carrier_ping() {
    repeating_flags=(-v --verbose)
    non_repeating_flags=(--json --quiet -q --ephemeral -4 -6 --chart --version -h --help)
    repeating_options=(--bootstrap)
    non_repeating_options=(--timeout --color --identity --network --connect-timeout --min-static --min-dynamic --keylog --record -c -i -W -s --layer --until --max-loss --max-rtt)
    __carrier_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--color')
        __carrier_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--identity')
        __carrier_add_completions -f
        return
        ;;
    '--network')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--min-static')
        return
        ;;
    '--min-dynamic')
        return
        ;;
    '--keylog')
        __carrier_add_completions -f
        return
        ;;
    '--record')
        __carrier_add_completions -f
        return
        ;;
    '--bootstrap')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion ping -- --bootstrap "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '-c')
        return
        ;;
    '-i')
        return
        ;;
    '-W')
        return
        ;;
    '-s')
        return
        ;;
    '--layer')
        __carrier_add_completions -W 'connect'$'\n''handshake'$'\n''echo'
        return
        ;;
    '--until')
        __carrier_add_completions -W 'up'$'\n''down'
        return
        ;;
    '--max-loss')
        return
        ;;
    '--max-rtt')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion ping -- positional@0 "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_carrier_lookup() {
    repeating_flags=(-v --verbose)
    non_repeating_flags=(--json --quiet -q --ephemeral -4 -6 --node-id --verify --trace --dot --version -h --help)
    repeating_options=(--bootstrap)
    non_repeating_options=(--timeout --color --identity --network --connect-timeout --min-static --min-dynamic --keylog --record --closest --via -k --alpha --paths --min-agree)
    __carrier_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--color')
        __carrier_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--identity')
        __carrier_add_completions -f
        return
        ;;
    '--network')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--min-static')
        return
        ;;
    '--min-dynamic')
        return
        ;;
    '--keylog')
        __carrier_add_completions -f
        return
        ;;
    '--record')
        __carrier_add_completions -f
        return
        ;;
    '--bootstrap')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion lookup -- --bootstrap "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '--closest')
        return
        ;;
    '--via')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion lookup -- --via "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '-k')
        return
        ;;
    '--alpha')
        return
        ;;
    '--paths')
        return
        ;;
    '--min-agree')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion lookup -- positional@0 "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_carrier_broadcast() {
    repeating_flags=(-v --verbose)
    non_repeating_flags=(--json --quiet -q --ephemeral -4 -6 --dot --version -h --help)
    repeating_options=(--bootstrap)
    non_repeating_options=(--timeout --color --identity --network --connect-timeout --min-static --min-dynamic --keylog --record --frames --opcode --codec --min-peers --redundancy --report)
    __carrier_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--color')
        __carrier_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--identity')
        __carrier_add_completions -f
        return
        ;;
    '--network')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--min-static')
        return
        ;;
    '--min-dynamic')
        return
        ;;
    '--keylog')
        __carrier_add_completions -f
        return
        ;;
    '--record')
        __carrier_add_completions -f
        return
        ;;
    '--bootstrap')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion broadcast -- --bootstrap "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '--frames')
        __carrier_add_completions -W 'lines'$'\n''whole'$'\n''len32'
        return
        ;;
    '--opcode')
        return
        ;;
    '--codec')
        __carrier_add_completions -W 'bytes'$'\n''msgpack'$'\n''protobuf'
        return
        ;;
    '--min-peers')
        return
        ;;
    '--redundancy')
        return
        ;;
    '--report')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __carrier_add_completions -f
        return
        ;;
    esac
}

_carrier_nat-map() {
    repeating_flags=(-v --verbose)
    non_repeating_flags=(--json --quiet -q --ephemeral -4 -6 --once --release --list --version -h --help)
    repeating_options=(--bootstrap)
    non_repeating_options=(--timeout --color --identity --network --connect-timeout --min-static --min-dynamic --keylog --record --protocol --lease --gateway --check-via)
    __carrier_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--color')
        __carrier_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--identity')
        __carrier_add_completions -f
        return
        ;;
    '--network')
        return
        ;;
    '--connect-timeout')
        return
        ;;
    '--min-static')
        return
        ;;
    '--min-dynamic')
        return
        ;;
    '--keylog')
        __carrier_add_completions -f
        return
        ;;
    '--record')
        __carrier_add_completions -f
        return
        ;;
    '--bootstrap')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion nat-map -- --bootstrap "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    '--protocol')
        __carrier_add_completions -W 'auto'$'\n''upnp'$'\n''natpmp'
        return
        ;;
    '--lease')
        return
        ;;
    '--gateway')
        return
        ;;
    '--check-via')
        compopt +o filenames
        __carrier_add_completions -W "$(__carrier_custom_complete ---completion nat-map -- --check-via "${COMP_CWORD}" "$(__carrier_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_carrier_decode() {
    repeating_flags=(-v --verbose)
    non_repeating_flags=(--json --quiet -q --verify --stats --payload --strict --encode --version -h --help)
    repeating_options=()
    non_repeating_options=(--timeout --color --in --keylog --only)
    __carrier_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--color')
        __carrier_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--in')
        __carrier_add_completions -W 'auto'$'\n''frames'$'\n''hex'$'\n''base64'$'\n''pcap'$'\n''json'
        return
        ;;
    '--keylog')
        __carrier_add_completions -f
        return
        ;;
    '--only')
        __carrier_add_completions -W 'ack-response'$'\n''application'$'\n''broadcast'$'\n''broadcast-digest'$'\n''broadcast-report'$'\n''broadcast-want'$'\n''bytes'$'\n''disconnect'$'\n''gap'$'\n''handshake'$'\n''handshake-1'$'\n''handshake-2'$'\n''handshake-3'$'\n''keepalive'$'\n''keepalive-response'$'\n''lookup-node-request'$'\n''lookup-node-response'$'\n''metric-request'$'\n''metric-response'$'\n''ping'$'\n''pong'$'\n''preface'$'\n''proxy-request'$'\n''proxy-response'$'\n''reachability-request'$'\n''reachability-response'$'\n''record'$'\n''retry'$'\n''session'$'\n''unregistered'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __carrier_add_completions -f
        return
        ;;
    esac
}

_carrier_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __carrier_offer_flags_options -1
    COMPREPLY+=($(compgen -W 'keygen listen dial ping lookup broadcast nat-map decode exit-codes json addresses reachability pipelines' -- "${cur}"))
}

complete -o filenames -F _carrier carrier
