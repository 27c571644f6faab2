#!/bin/bash
# That the machine has what its name promises: each filesystem made, mounted and written to.
set -eu
modprobe -a btrfs bcachefs zfs

mkdir -p /mnt/btrfs /mnt/bcachefs
mkfs.btrfs -q /dev/vdb
mount /dev/vdb /mnt/btrfs
# It may crash when all is done (1.12): what counts is whether the filesystem is there.
bcachefs format --quiet /dev/vdc || true
mount -t bcachefs /dev/vdc /mnt/bcachefs
truncate -s 128M /var/pool
zpool create -m /mnt/zfs pool /var/pool

for name in btrfs bcachefs zfs; do
  echo "$name" >"/mnt/$name/file"
  findmnt --noheadings --output FSTYPE "/mnt/$name" >>/run/host/results/types
done
roots --version >/run/host/results/version
