#!/usr/bin/env bash
# The image of the test machine, from this recipe and nothing else: Debian trixie with systemd and what is needed of btrfs, ZFS, bcachefs
# and Node. Prints the folder that has `disk` (ext4), `kernel` and `initrd`. It is kept in the user's cache under the hash of this recipe.
set -euo pipefail
recipe=$(cd "$(dirname "$0")" && pwd)

suite=trixie
packages=(
  linux-image-amd64 systemd-sysv udev dbus kmod procps
  nodejs rsync attr acl libcap2-bin fdisk e2fsprogs btrfs-progs
  linux-headers-amd64 zfs-dkms zfsutils-linux
  bcachefs-tools # from experimental: trixie has none
  busybox-static cpio
)
disk_size=3G

main() {
  local hash cache image
  hash=$(cat "$recipe"/* | sha256sum | cut -c 1-16)
  cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/roots/vm
  image=$cache/$hash
  mkdir -p "$cache"
  # One builds, the others wait for it, and for what a killed one has started.
  exec 9>"$cache/lock"
  flock 9
  if [ ! -d "$image" ]; then
    remove_leftovers "$cache"
    if [ "$(id -u)" -ne 0 ]; then
      echo 'building the image of the test machine needs root' >&2
      return 1
    fi
    echo 'building the image of the test machine, about five minutes' >&2
    # In namespaces of its own, with which mounts and processes go whatever happens.
    unshare --mount --pid --fork --kill-child --mount-proc -- "$recipe/build.sh" into "$cache/unfinished-$hash" </dev/null >&2
    sync -f "$cache"
    mv -T "$cache/unfinished-$hash" "$image"
    echo "built in $SECONDS s: $image" >&2
  fi
  touch "$image"
  printf '%s\n' "$image"
}

# What a killed build left, and images that nobody has used for a month.
remove_leftovers() {
  find "$1" -mindepth 1 -maxdepth 1 -type d \( -name 'unfinished-*' -o -mtime +30 \) -exec rm -rf --one-file-system {} +
}

build_into() {
  local out=$1 root=$1/root
  mkdir -p "$out"
  make_root "$root"
  cp "$root"/boot/vmlinuz-* "$out/kernel"
  mv "$root/initrd" "$out/initrd"
  truncate -s "$disk_size" "$out/disk"
  mke2fs -q -t ext4 -d "$root" "$out/disk"
  rm -rf --one-file-system "$root"
}

make_root() {
  local mirror options
  mirror=$(debian_mirror)
  mapfile -t options < <(host_apt_options)
  # INITRD=No: the kernel's package needs to make none, the machine has one of its own.
  INITRD=No mmdebstrap --quiet --mode=root --variant=minbase \
    --include="$(printf '%s\n' "${packages[@]}" | paste -s -d ,)" \
    "${options[@]/#/--aptopt=}" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --customize-hook="$recipe/configure.sh" \
    "$suite" "$1" \
    "deb $mirror $suite main contrib" "deb $mirror experimental main"
}

# That of this machine, if it is a Debian.
debian_mirror() {
  local own
  own=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's/^Debian //p' | grep -v -e security -e backports | head -n 1) || true
  printf '%s\n' "${own:-http://deb.debian.org/debian}"
}

# How this machine reaches a mirror, and whether it is a mirror of the past.
host_apt_options() {
  apt-config dump | grep -E '^Acquire::(https?(::[^ ]*)?|ForceIPv[46]|Retries|Check-(Valid-Until|Date)) "[^"]+";$' || true
}

if [ "${1-}" = into ]; then build_into "$2"; else main; fi
