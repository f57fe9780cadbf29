#!/usr/bin/env bash
# Counts the instructions of the hot paths and compares them with Benchmarks/instructions.txt. Counts do not depend on how
# fast or busy the machine is; a little on the versions of libcrypto and of Swift's library.
#
#   Benchmarks/instructions.sh             fails when a path takes more than a few per cent more than noted there
#   Benchmarks/instructions.sh --write     notes what is counted now
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift} count=2000 slack=4 notes=Benchmarks/instructions.txt
write=
case ${1-} in
  '') ;;
  --write) write=1 ;;
  *) echo "instructions: expected --write or nothing, got $1" >&2 && exit 64 ;;
esac
if ! command -v valgrind >/dev/null; then
  echo 'instructions: no valgrind, so nothing is counted: apt-get install valgrind' >&2
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$swift" build -c release --static-swift-stdlib --product carrier-paths >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
# valgrind stumbles over newer debugging information; names are enough.
paths=$work/carrier-paths
strip --strip-debug -o "$paths" "$("$swift" build -c release --show-bin-path)/carrier-paths"

# The instructions of one step of a path.
count() {
  # Swift seeds its hash tables by chance, and libcrypto chooses its code by the processor: neither may change the count.
  SWIFT_DETERMINISTIC_HASHING=1 valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*carrier_paths8measured*' \
    --callgrind-out-file="$work/$1" "$paths" "$1" "$count" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  local total
  total=$(awk '/^(summary|totals):/ {total = $2} END {print total + 0}' "$work/$1")
  ((total)) || { echo "instructions: nothing was counted of $1" >&2; exit 1; }
  echo $((total / count))
}

failed=0
{
  echo '# Instructions of one step of each hot path, as Benchmarks/instructions.sh --write counted them.'
  for path in seal open encode decode deliver lookup; do
    counted=$(count "$path")
    echo "$path $counted"
  done
} >"$work/counted"
if [ "$write" ]; then
  cp "$work/counted" "$notes"
  cat "$notes"
  exit
fi
printf '%-10s %12s %12s\n' path counted noted
while read -r path now; do
  noted=$(awk -v path="$path" '$1 == path {print $2}' "$notes")
  verdict=
  if ((now * 100 > noted * (100 + slack))); then
    verdict="more than $slack % too many" failed=$((failed + 1))
  elif ((now * 100 < noted * (100 - slack))); then
    verdict='fewer: note that with --write'
  fi
  printf '%-10s %12d %12d  %s\n' "$path" "$now" "$noted" "$verdict"
done < <(grep -v '^#' "$work/counted")
if ((failed)); then
  echo "instructions: $failed paths became slower; make them as quick as before, or note with --write what pays for it" >&2
  exit 1
fi
