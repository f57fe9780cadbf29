#!/usr/bin/env bash
# Measures messages between two nodes: in two processes beside a bare C program that does the same in the clear; in one
# process at all sizes; and once more counting allocations. Arguments go to carrier-bench (--seconds, --size, --json).
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}

"$swift" build --quiet -c release --product carrier-bench
bench=$("$swift" build -c release --show-bin-path)/carrier-bench
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cc=${CC:-cc}
"$cc" -O2 -shared -fPIC -o "$work/allocations.so" Benchmarks/allocations.c
"$cc" -O2 -o "$work/limit" Benchmarks/limit.c -lcrypto
note() { echo "# $*"; }
wait_for() { for _ in $(seq 500); do [ -s "$1" ] && return; sleep 0.01; done; note "nobody listens"; exit 1; }

# between WHERE: carrier in two processes beside C, each command behind the words of WHERE.
between() {
  rm -f "$work/address" "$work/port"
  mkfifo "$work/end" && exec 3<>"$work/end"
  "$@" "$bench" --serve <"$work/end" >"$work/address" &
  local server=$!
  wait_for "$work/address"
  local address
  address=$(head -1 "$work/address")
  for point in 'request 1' 'request 64' 'one-way 1'; do
    read -r kind tasks <<<"$point"
    "$@" "$bench" --connect "$address" --size 64 --kind "$kind" --in-flight "$tasks" "${arguments[@]}"
  done
  "$@" "$bench" --connect "$address" --kind bulk "${arguments[@]}"
  kill "$server" && wait "$server" 2>/dev/null || true
  exec 3>&- && rm "$work/end"
  "$@" "$work/limit" echo "$work/port" &
  wait_for "$work/port"
  note "C, 32 bytes there and back, microseconds: $("$@" "$work/limit" pingpong "$(cat "$work/port")" 30000)"
  rm -f "$work/port"
  "$@" "$work/limit" listen "$work/port" >/dev/null &
  wait_for "$work/port"
  note "C, one message of 64 bytes a call, a second: $("$@" "$work/limit" messages "$(cat "$work/port")" 1000000)"
}
arguments=("$@")
note 'two processes'
between env
note 'two processes on one core'
between taskset -c 0
note 'one process, two threads'
"$bench" "$@"
# Counting costs a little, so the speed of this run says less.
note 'allocations a message, of both ends together'
LD_PRELOAD=$work/allocations.so "$bench" --seconds 0.3 "$@"
