#!/bin/sh
# /init of the test machine's initrd: the root disk, the folder that the host shares, and on to the root's init. `init=` as the kernel
# has it; units that the host shares are in /run, so systemd finds them there.
set -e
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run

while read -r module; do
  /bin/busybox insmod "/modules/$module"
done </modules/order

/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mkdir -p /run/host /run/systemd/system
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 host /run/host
if [ -d /run/host/units ]; then
  /bin/busybox cp -r /run/host/units/. /run/systemd/system/
fi

init=/sbin/init
for word in $(/bin/busybox cat /proc/cmdline); do
  case $word in init=*) init=${word#init=} ;; esac
done

for mount in run dev sys proc; do
  /bin/busybox mount -o move "/$mount" "/root/$mount"
done
exec /bin/busybox switch_root /root "$init"
