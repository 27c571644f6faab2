#!/usr/bin/env bash
# The last step of the recipe, in the root that the packages made ($1): settings, and `initrd`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$1
initrd_modules=(virtio_pci virtio_blk virtio_rng ext4 9pnet_virtio 9p)
# Nothing that a test waits for or that does something at a time of its own.
masked=(
  apt-daily.timer apt-daily-upgrade.timer bcachefsck_all.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
  getty@tty1.service serial-getty@ttyS0.service
  systemd-hwdb-update.service systemd-journal-catalog-update.service systemd-update-done.service systemd-firstboot.service
  zfs-load-module.service zfs-import-cache.service zfs-import-scan.service zfs-mount.service zfs-share.service zfs-volume-wait.service zfs-zed.service
)

settings() {
  printf 'roots-test\n' >"$root/etc/hostname"
  printf '127.0.0.1 localhost roots-test\n' >"$root/etc/hosts"
  # Else each boot is a first boot.
  printf '0123456789abcdef0123456789abcdef\n' >"$root/etc/machine-id"
  : >"$root/etc/fstab"
  local unit
  for unit in "${masked[@]}"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
  rm -f "$root"/var/cache/apt/archives/*.deb
}

# Small and not compressed: what an emulated machine is slow at is computing. Made with the programs of the root.
initrd() {
  local work=$root/tmp/initrd
  mkdir -p "$work"/{bin,modules,proc,sys,dev,run,root}
  install -m 755 "$here/init.sh" "$work/init"
  chroot "$root" sh -euc '
    cd /tmp/initrd
    cp /bin/busybox bin/busybox
    ln -s busybox bin/sh
    release=$(basename /lib/modules/*)
    modprobe --set-version "$release" --show-depends --all "$@" | sed -n "s/^insmod //p" | awk "!seen[\$1]++ { print \$1 }" |
      while read -r module; do
        name=$(basename "$module" .xz)
        xz -dc "$module" >"modules/$name"
        printf "%s\n" "$name" >>modules/order
      done
    find . | cpio --quiet -o -H newc >/initrd
  ' sh "${initrd_modules[@]}"
  rm -r "$work"
}

settings
initrd
