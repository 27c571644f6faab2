#!/bin/bash
# The stories of guest/story.ts, each in a mount namespace of its own: what is mounted there is one machine.
set -eu
results=/run/host/results
modprobe -a btrfs bcachefs zfs
# For pseudo-terminals.
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
# In an emulated machine what V8 compiles costs more than it saves.
node=(node --jitless --no-expose-wasm)
# What the build has kept is for a Node without these options.
"${node[@]}" /usr/lib/roots/bin/compile.js

story() {
  unshare --mount "${node[@]}" /run/host/files/story.mjs "$1" "$results/$1.json"
}

story zfs-inside &
first=$!
# It moves the clock while it builds.
until [ -e /run/clock-is-right ]; do
  kill -0 "$first"
  sleep 0.2
done

stories=("$first")
for name in btrfs zfs bcachefs; do
  story "$name" &
  stories+=("$!")
done
failed=0
for each in "${stories[@]}"; do
  wait "$each" || failed=1
done
exit "$failed"
