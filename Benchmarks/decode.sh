#!/bin/sh
# How fast `carrier decode` is, beside `tshark -T json` on the same recording.
#
#     Benchmarks/decode.sh [CARRIER [MEGABYTES]]
#
# Builds nothing: give the release binary (default .build/release/carrier). Writes to a temporary folder that it removes.
set -eu
carrier=${1:-.build/release/carrier}
megabytes=${2:-200}
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

python3 "$here/decode_input.py" "$folder" "$megabytes"

measure() { # NAME FILE COMMAND…
    name=$1 file=$2
    shift 2
    best=
    for _ in 1 2 3; do
        start=$(date +%s%N)
        "$@" >/dev/null 2>&1
        end=$(date +%s%N)
        took=$((end - start))
        if [ -z "$best" ] || [ "$took" -lt "$best" ]; then best=$took; fi
    done
    size=$(stat -c %s "$file")
    echo "$name $size $best" | awk '{ printf "%-44s %9.1f MB/s\n", $1, $2 * 1000 / $3 }'
}

for mix in mixed small bulk; do
    measure "frames($mix)→--stats" "$folder/$mix.frames" "$carrier" decode --stats "$folder/$mix.frames"
    measure "frames($mix)→--json" "$folder/$mix.frames" "$carrier" decode --json "$folder/$mix.frames"
done
measure "recording(mixed)→--stats" "$folder/mixed.pcap" "$carrier" decode --stats "$folder/mixed.pcap"
measure "recording(mixed)→--json" "$folder/mixed.pcap" "$carrier" decode --json "$folder/mixed.pcap"
if command -v tshark >/dev/null; then
    # tshark is slow: a small part of the same recording is enough to know its rate.
    measure "recording(part)→tshark-T-json" "$folder/part.pcap" \
        tshark -X "lua_script:$here/../share/carrier.lua" -r "$folder/part.pcap" -T json
    measure "recording(part)→--json" "$folder/part.pcap" "$carrier" decode --json "$folder/part.pcap"
fi
