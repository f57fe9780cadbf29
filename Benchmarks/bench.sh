#!/usr/bin/env bash
# Measures carrier beside public tools and beside a bare C program, in turns, and prints medians and ratios.
#
#   Benchmarks/bench.sh [--json] [--size MIB] [--runs N]
#
# Every transfer is compared to the byte. Rows whose tool is missing say what to install.
set -euo pipefail
cd "$(dirname "$0")/.."
size=2048 runs=5 json=
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=1 ;;
    --size) size=$2 && shift ;;
    --runs) runs=$2 && shift ;;
    *) echo "bench: expected --json, --size MIB or --runs N, got $1" >&2 && exit 64 ;;
  esac
  shift
done
carrier=$PWD/.build/release/carrier
[ -x "$carrier" ] || { echo "bench: no release binary; run make release" >&2; exit 66; }
work=$(mktemp -d)
export XDG_CONFIG_HOME=$work
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cc -O2 -o "$work/limit" Benchmarks/limit.c -lcrypto
input=$work/input
head -c $((size << 20)) /dev/urandom >"$input"
note() { echo "bench: $*" >&2; }
has() { command -v "$1" >/dev/null || { note "no $1: install $2 for its rows"; return 1; }; }
if has openssl openssl; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=bench -keyout "$work/key" -out "$work/cert" 2>/dev/null
  cat "$work/key" "$work/cert" >"$work/pem"
fi
wait_for() { for _ in $(seq 500); do [ -s "$1" ] && return; sleep 0.01; done; note "nobody listens"; exit 1; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
bound() { for _ in $(seq 500); do ss -Hltn "sport = :$1" | grep -q . && return; sleep 0.01; done; note "nobody listens"; exit 1; }

# transfer NAME RECEIVER-COMMAND SENDER-COMMAND, pipe to pipe; prints seconds and the CPU seconds of both ends.
transfer() {
  rm -f "$work/ready" "$work/times"
  { /usr/bin/time -f '%U %S' -a -o "$work/times" bash -c "$1" | { cmp -s - "$input" && echo same; } >"$work/same"; } &
  local receiver=$!
  eval "$3"
  local start end
  start=$(date +%s.%N)
  cat "$input" | /usr/bin/time -f '%U %S' -a -o "$work/times" bash -c "$2" || true
  # What counts is whether the bytes arrived, whatever a tool says at its end.
  wait $receiver || true
  end=$(date +%s.%N)
  grep -q same "$work/same" || { note "the bytes differ"; echo bad; return; }
  awk -v s="$start" -v e="$end" '{cpu += $1 + $2} END {print e - s, cpu}' "$work/times"
}
run() {
  local port
  case $1 in
    carrier)
      transfer "exec '$carrier' listen --ephemeral -q --pipe --ready-file '$work/ready' tcp://127.0.0.1:0 2>/dev/null </dev/null" \
        "exec '$carrier' dial --ephemeral -q --send-only \"\$(head -1 '$work/ready')\" 2>/dev/null" "wait_for '$work/ready'" ;;
    limit)
      transfer "exec '$work/limit' listen '$work/ready'" "exec '$work/limit' dial \"\$(cat '$work/ready')\"" "wait_for '$work/ready'" ;;
    ncat)
      port=$(free_port)
      transfer "exec ncat --ssl --ssl-cert '$work/cert' --ssl-key '$work/key' -l 127.0.0.1 $port --recv-only" \
        "exec ncat --ssl --send-only 127.0.0.1 $port" "bound $port" ;;
    socat-tls)
      port=$(free_port)
      transfer "exec socat -u -b 65536 OPENSSL-LISTEN:$port,reuseaddr,bind=127.0.0.1,cert='$work/pem',verify=0 STDOUT" \
        "exec socat -u -b 65536 STDIN OPENSSL:127.0.0.1:$port,verify=0" "bound $port" ;;
    socat-tcp)
      port=$(free_port)
      transfer "exec socat -u -b 65536 TCP-LISTEN:$port,reuseaddr,bind=127.0.0.1 STDOUT" \
        "exec socat -u -b 65536 STDIN TCP:127.0.0.1:$port" "bound $port" ;;
  esac
}
tools=(carrier limit)
if has ncat ncat; then tools+=(ncat); fi
if has socat socat; then tools+=(socat-tls socat-tcp); fi
for round in $(seq "$runs"); do
  for tool in "${tools[@]}"; do
    note "round $round of $runs: $tool"
    run "$tool" >>"$work/$tool.runs"
  done
done
median() { grep -v bad "$1" | awk "{print \$$2}" | sort -g | awk '{v[NR] = $1} END {if (NR) print v[int((NR + 1) / 2)]; else print 0}'; }
base=$(median "$work/carrier.runs" 1) base_cpu=$(median "$work/carrier.runs" 2)
for tool in "${tools[@]}"; do
  awk -v tool="$tool" -v t="$(median "$work/$tool.runs" 1)" -v c="$(median "$work/$tool.runs" 2)" -v bt="$base" -v bc="$base_cpu" \
    -v mib="$size" -v bad="$(grep -c bad "$work/$tool.runs" || true)" -v json="$json" 'BEGIN {
      if (t == 0) exit
      rate = mib * 1.048576 / t; cpu = c / (mib / 1024)
      if (json) printf "{\"row\":\"pipe to pipe\",\"tool\":\"%s\",\"mb_per_s\":%.0f,\"cpu_s_per_gib\":%.2f,\"carrier_is_times\":%.2f,\"carrier_cpu_is_times\":%.2f,\"damaged\":%d}\n", tool, rate, cpu, t / bt, bc / c, bad
      else printf "%-10s %6.0f MB/s  %5.2f CPU s/GiB   carrier: %.2f x the rate, %.2f x the CPU%s\n", tool, rate, cpu, t / bt, bc / c, bad ? "  (" bad " damaged)" : ""
    }'
done
rounds=20000
rm -f "$work/port"
"$work/limit" echo "$work/port" & wait_for "$work/port"
echo "raw TCP ping-pong of 32 bytes, us: $("$work/limit" pingpong "$(cat "$work/port")" $rounds)"
rm -f "$work/ready"
"$carrier" listen --ephemeral -q --ready-file "$work/ready" tcp://127.0.0.1:0 >/dev/null 2>&1 & wait_for "$work/ready"
"$carrier" ping --ephemeral -q -c 5000 -i 0s -s 32 --json "$(head -1 "$work/ready")" 2>/dev/null |
  python3 -c 'import json,sys
for line in sys.stdin:
    record = json.loads(line)
    if record["type"] == "summary": print("carrier ping of 32 bytes, us: p50 %.1f p99 %.1f" % (record["rtt_ms"]["p50"] * 1000, record["rtt_ms"]["p99"] * 1000))'
