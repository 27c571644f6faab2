#!/bin/bash
# `roots timer` under a real systemd. What is seen goes into files; timer.test.ts judges it.
set -eu
results=/run/host/results

archive() {
  mkfs.btrfs -q /dev/vdb
  mkdir -p /mnt/top /mnt/held /srv/live
  mount /dev/vdb /mnt/top
  btrfs -q subvolume create /mnt/top/root-blank
  btrfs -q subvolume snapshot /mnt/top/root-blank /mnt/top/root
  mkdir /mnt/top/old_roots
  local now days
  now=$(date +%s)
  for days in 100 60 50 40 5 1; do
    btrfs -q subvolume snapshot /mnt/top/root-blank "/mnt/top/old_roots/$(date -u -d "@$((now - days * 86400))" +%Y-%m-%d_%H:%M:%S)"
  done
  local roots=(/mnt/top/old_roots/*)
  # What removal must cope with: one nested subvolume, one root that its flag protects.
  btrfs -q subvolume create "${roots[0]}/nested"
  chattr +i "${roots[2]}"
  umount /mnt/top
  mount -o subvol=root /dev/vdb /srv/live
  # Nobody but this process sees that mount.
  held=$(basename "${roots[1]}")
  unshare --mount sh -c 'mount -o "subvol=old_roots/$1" /dev/vdb /mnt/held && touch /run/held && exec sleep infinity' sh "$held" &
  holder=$!
  until [ -e /run/held ]; do sleep 0.2; done
}

configure() {
  cat >/etc/roots.toml <<-END
	[targets.root]
	backend = "btrfs"
	device = "/dev/vdb"
	live = "root"
	blank = "root-blank"
	archive = "old_roots"

	[targets.root.keep]
	last = 1

	[targets.root.prune]
	max_age = "30d"
	END
}

# A moment of its own for each name: what is there, what is mounted where everybody sees it, what the units say of themselves.
observe() {
  findmnt --raw --noheadings --output TARGET,SOURCE,FSROOT >"$results/$1.mounts"
  systemctl show roots-prune.service >"$results/$1.service"
  systemctl show roots-prune.timer >"$results/$1.timer"
  journalctl --sync
  journalctl --boot --unit=roots-prune.service --output=json >"$results/$1.journal" || true
  mount --mkdir -o ro,subvolid=5 /dev/vdb /run/look
  ls /run/look/old_roots >"$results/$1.roots"
  umount /run/look
}

program() {
  local name=$1 status=0
  shift
  roots "$@" >"$results/$name.stdout" 2>"$results/$name.stderr" || status=$?
  printf '%s\n' "$status" >"$results/$name.status"
}

# A run that fails starts this.
cat >/etc/systemd/system/alarm.service <<'END'
[Service]
Type=oneshot
ExecStart=touch /run/alarm
END

archive
configure
observe before

program enable timer enable --on-failure alarm.service
cp /etc/systemd/system/roots-prune.{service,timer} "$results/"
systemd-analyze verify /etc/systemd/system/roots-prune.{service,timer} 2>"$results/verify" || true
systemd-analyze security --no-pager roots-prune.service >"$results/security" || true
systemctl list-timers --all --output=json >"$results/timers"

systemctl start roots-prune.service || true
observe done
[ ! -e /run/alarm ] || touch "$results/alarm-too-early"
program status timer status --json

# What the backends for ZFS and bcachefs do, in the same unit.
truncate -s 128M /var/tmp/pool
modprobe zfs
modprobe bcachefs
zpool create -m none tank /var/tmp/pool
zfs create -o mountpoint=legacy tank/root
# It may crash at its very end, when all is done.
bcachefs format /dev/vdc >/dev/null 2>&1 || true
mount --mkdir -t bcachefs /dev/vdc /mnt/bcachefs
bcachefs subvolume create /mnt/bcachefs/root
cat >/run/others.sh <<'END'
set -eux
cd "$RUNTIME_DIRECTORY"
mkdir mnt
zfs snapshot tank/root@today
zfs rename tank/root@today @yesterday
mount -i -t zfs -o ro tank/root@yesterday mnt
umount mnt
zfs destroy tank/root@yesterday
zfs set roots:pin=kept tank/root
mount -i -t bcachefs -o rw /dev/vdc mnt
bcachefs subvolume snapshot -r mnt/root mnt/today
bcachefs subvolume delete mnt/today
mkdir mnt/done
umount mnt
END
sed 's|^ExecStart=.*|ExecStart=/bin/bash /run/others.sh|; /^OnFailure=/d' /etc/systemd/system/roots-prune.service >/run/systemd/system/others.service
systemctl daemon-reload
systemctl start others.service || true
systemctl show others.service >"$results/others.service"
journalctl --boot --unit=others.service --output=cat >"$results/others.log"
{ zfs get -H -o value roots:pin tank/root; zfs list -H -o name -t all -r tank; ls /mnt/bcachefs; } >"$results/others"
umount /mnt/bcachefs
zpool export tank

# This time by the timer itself, which cannot wait for a quarter of an hour, and not to the end: btrfs does not let its default subvolume go.
kill "$holder"
mount -o subvolid=5 /dev/vdb /mnt/top
btrfs subvolume set-default "/mnt/top/old_roots/$held"
umount /mnt/top
mkdir /run/systemd/system/roots-prune.timer.d
printf '[Timer]\nOnBootSec=\nOnUnitActiveSec=\nOnActiveSec=1s\nAccuracySec=1s\nRandomizedDelaySec=0\n' >/run/systemd/system/roots-prune.timer.d/now.conf
systemctl daemon-reload
systemctl restart roots-prune.timer
for ((tries = 0; tries < 600; tries++)); do
  [ ! -e /run/alarm ] || break
  sleep 0.2
done
[ ! -e /run/alarm ] || touch "$results/alarm"
observe failed
program status-of-failure timer status --json

program disable timer disable
ls /etc/systemd/system >"$results/units-left"
systemctl list-timers --all --output=json >"$results/timers-left"
