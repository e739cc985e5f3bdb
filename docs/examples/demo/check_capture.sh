#!/bin/sh
# SPDX-License-Identifier: MIT
# check_capture.sh FILE: tshark finds nothing malformed and no bad checksum in it.
file=$1
if ! command -v tshark >/dev/null; then
    echo "SKIP: tshark is not installed"
    exit 77
fi
read_with() { tshark -r "$file" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE "$@"; }

packets=$(read_with -Y 'tcp && tcp.checksum.status == "Good"' | wc -l)
all=$(read_with | wc -l)
bad=$(read_with -Y '_ws.malformed || tcp.checksum.status == "Bad" || ip.checksum.status == "Bad"') || exit 1
echo "$all packets, $packets of them TCP with a good checksum"
if [ -n "$bad" ] || [ "$all" -eq 0 ] || [ "$packets" -ne "$all" ]; then
    echo "malformed, or with a bad checksum:"
    echo "$bad"
    exit 1
fi
