import { expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { whyForgotten } from '../../../src/operations/timer-place.ts';
import { parseMountTable } from '../../../src/system/mounts.ts';

const UNITS = fromText('/etc/systemd/system');
const BTRFS = '29 1 0:43 /root / rw shared:1 - btrfs /dev/vda rw\n31 29 0:43 /persist /persist rw shared:3 - btrfs /dev/vda rw\n';
const EXT4 = '29 1 254:1 / / rw shared:1 - ext4 /dev/vda rw\n';
const bindOf = (device: string, root: string): string => `40 29 ${device} ${root} /etc/systemd/system rw shared:9 - any /dev/vda rw\n`;

it.each([
  ['is on the live root, a subvolume', BTRFS, '/', 'live root of `root`'],
  ['is a subvolume inside of the live root', BTRFS + bindOf('0:43', '/root/etc/systemd'), '/', 'live root of `root`'],
  ['is mounted from another subvolume of the same filesystem', BTRFS + bindOf('0:43', '/persist/etc/systemd/system'), '/', null],
  ['is mounted from a subvolume whose name begins alike', BTRFS + bindOf('0:43', '/root-2/etc'), '/', null],
  ['is on the live root, a whole filesystem', EXT4, '/', 'live root of `root`'],
  ['is mounted from a spared directory of that filesystem', EXT4 + bindOf('254:1', '/persist/etc/systemd/system'), '/', null],
  ['is on another filesystem', EXT4 + bindOf('254:2', '/'), '/', null],
  ['is not in a live root that is mounted elsewhere', EXT4 + '41 29 254:3 / /mnt/live rw - ext4 /dev/vdb rw\n', '/mnt/live', null],
  ['is in memory', '29 1 0:20 / / rw - tmpfs tmpfs rw\n', '/home', 'tmpfs'],
  ['is on an overlay', '29 1 0:20 / / rw - overlay overlay rw\n', '/home', 'overlay'],
])('/etc/systemd/system %s', (_, table, mountPoint, why) => {
  const answer = whyForgotten(parseMountTable(fromText(table)), [{ target: 'root', mountPoint: fromText(mountPoint) }], UNITS);
  if (why === null) expect(answer).toBeNull();
  else expect(answer).toContain(why);
});

it('survives where nothing is reset', () => {
  expect(whyForgotten(parseMountTable(fromText(EXT4)), [], UNITS)).toBeNull();
});
