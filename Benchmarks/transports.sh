#!/usr/bin/env bash
# Measures carrier's transports side by side: transfers, handshakes, messages.
#
#   Benchmarks/transports.sh [--json] [--size MIB] [--runs N]
#
# Transfers go from pipe to pipe through two processes and are compared to the byte; in turns, medians are printed.
set -euo pipefail
cd "$(dirname "$0")/.."
size=1024 runs=3 json=
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=1 ;;
    --size) size=$2 && shift ;;
    --runs) runs=$2 && shift ;;
    *) echo "transports: expected --json, --size MIB or --runs N, got $1" >&2 && exit 64 ;;
  esac
  shift
done
carrier=$PWD/.build/release/carrier
bench=$PWD/.build/release/carrier-bench
[ -x "$carrier" ] || { echo "transports: no release binary; run make release" >&2; exit 66; }
work=$(mktemp -d)
export XDG_CONFIG_HOME=$work
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
# A node's puzzles are solved before anything is measured.
"$carrier" keygen -q -o "$work/identity" >/dev/null 2>&1
input=$work/input
head -c $((size << 20)) /dev/urandom >"$input"
note() { echo "transports: $*" >&2; }
listening() { for _ in $(seq 500); do [ -s "$work/ready" ] && return; sleep 0.01; done; note "nobody listens"; exit 1; }
row() { # NAME KEY VALUE…
  local name=$1 text= object=
  shift
  while [ $# -gt 0 ]; do text+="  $1 $2" object+=",\"$1\":$2" && shift 2; done
  if [ "$json" ]; then echo "{\"row\":\"$name\"$object}"; else printf '%-28s%s\n' "$name" "$text"; fi
}

# The seconds of one transfer and the CPU seconds of both ends.
transfer() {
  rm -f "$work/ready" "$work/times" "$work/same"
  { /usr/bin/time -f '%U %S' -a -o "$work/times" "$carrier" listen --identity "$work/identity" -q --pipe \
    --ready-file "$work/ready" "$1://127.0.0.1:0" </dev/null 2>/dev/null | cmp -s - "$input" && echo same >"$work/same"; } &
  local receiver=$! start end
  listening
  start=$(date +%s.%N)
  cat "$input" | /usr/bin/time -f '%U %S' -a -o "$work/times" "$carrier" dial --ephemeral -q --send-only \
    "$(head -1 "$work/ready")" 2>/dev/null
  wait $receiver || true
  end=$(date +%s.%N)
  [ -s "$work/same" ] || { note "$1: the bytes differ"; exit 1; }
  awk -v s="$start" -v e="$end" '{cpu += $1 + $2} END {print e - s, cpu}' "$work/times"
}
median() { awk "{print \$$2}" "$1" | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
for round in $(seq "$runs"); do
  note "round $round of $runs"
  transfer tcp >>"$work/tcp.runs"
  transfer quic >>"$work/quic.runs"
  CARRIER_NO_OFFLOAD=1 transfer quic >>"$work/quic-no-offload.runs"
done
for name in tcp quic quic-no-offload; do
  row "transfer $name" mb_per_s "$(awk -v t="$(median "$work/$name.runs" 1)" -v m="$size" 'BEGIN {printf "%.0f", m * 1.048576 / t}')" \
    cpu_s_per_gib "$(awk -v c="$(median "$work/$name.runs" 2)" -v m="$size" 'BEGIN {printf "%.2f", c / m * 1024}')"
done

# Handshakes of one process with another, one after the other.
for scheme in tcp quic udp; do
  rm -f "$work/ready"
  "$carrier" listen --identity "$work/identity" -q --ready-file "$work/ready" "$scheme://127.0.0.1:0" >/dev/null 2>&1 &
  node=$!
  listening
  "$carrier" ping --ephemeral -q -c 300 -i 5ms --layer handshake --json "$(head -1 "$work/ready")" 2>/dev/null |
    sed -n 's/.*"type":"summary".*"p50":\([0-9.]*\).*"p99":\([0-9.]*\).*/\1 \2/p' >"$work/rtt"
  read -r p50 p99 <"$work/rtt"
  row "handshake $scheme" p50_ms "$p50" p99_ms "$p99"
  kill $node && wait $node 2>/dev/null || true
done

# Messages of 64 bytes: one at a time, and 64 under way.
if [ -x "$bench" ]; then
  for scheme in tcp quic udp; do
    "$bench" --json --seconds 0.5 --transport "$scheme" | grep '"kind":"request","size":64,' |
      sed 's/.*"inFlight":\([0-9]*\).*"perSecond":\([0-9.]*\).*"cpuMicroseconds":\([0-9.]*\).*"p50Microseconds":\([0-9.]*\).*/\1 \2 \3 \4/' |
      while read -r flight rate cpu p50; do
        row "requests $scheme, $flight at once" per_s "$rate" p50_us "$p50" cpu_us "$cpu"
      done
  done
else
  note "no carrier-bench: swift build -c release --product carrier-bench for the rows of messages"
fi
