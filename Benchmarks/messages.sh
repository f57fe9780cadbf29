#!/usr/bin/env bash
# Measures messages between two nodes: one run for speed, one more that counts allocations. Arguments go to carrier-bench.
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}

"$swift" build --quiet -c release --product carrier-bench
bench=$("$swift" build -c release --show-bin-path)/carrier-bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-cc}" -O2 -shared -fPIC -o "$work/allocations.so" Benchmarks/allocations.c

"$bench" "$@"
# Counting costs a little, so the speed of this run says less.
echo '# allocations a message, of both ends together'
LD_PRELOAD=$work/allocations.so "$bench" --seconds 0.3 "$@"
