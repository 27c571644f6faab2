import { describe, expect, it } from 'vitest';
import type { BytePath } from '../../../src/byte-path.ts';
import { livePlace } from '../../../src/operations/live-place.ts';
import { parseMountTable } from '../../../src/system/mounts.ts';

/** As on a machine with btrfs: two targets, what persists by bind mounts, and a bind mount of something on a live root. */
const TABLE = [
  '20 1 0:30 /root / rw - btrfs /dev/vda2 rw',
  '21 20 0:30 /persist /persist rw - btrfs /dev/vda2 rw',
  '22 20 0:30 /home /home rw - btrfs /dev/vda2 rw',
  '23 22 0:30 /persist/home/me/.config /home/me/.config rw - btrfs /dev/vda2 rw',
  '24 20 0:30 /home/me/x /srv/x rw - btrfs /dev/vda2 rw',
  '25 24 0:40 / /srv/x/usb rw - ext4 /dev/sdb1 rw',
  '26 20 0:30 /persist/etc/machine-id /etc/machine-id rw - btrfs /dev/vda2 rw',
  '27 20 0:31 / /tmp rw - tmpfs tmpfs rw',
  '28 20 0:30 / /top rw - btrfs /dev/vda2 rw',
  '29 20 0:30 /root2 /other rw - btrfs /dev/vda2 rw',
].join('\n') as BytePath;

const [ROOT, HOME] = [{ mountPoint: '/' as BytePath }, { mountPoint: '/home' as BytePath }];

describe('the place of a path on the live roots', () => {
  const mounts = parseMountTable(TABLE);
  const place = (path: string, lives = [ROOT, HOME]): unknown => {
    const found = livePlace(lives, mounts, path as BytePath);
    return found === null ? null : [found.live === HOME ? 'home' : 'root', found.inside, found.covering?.mountPoint ?? null];
  };

  it.each([
    ['what is on one', '/etc/passwd', ['root', 'etc/passwd', null]],
    ['one inside of another is the nearer', '/home/me/thesis', ['home', 'me/thesis', null]],
    ['the live root itself', '/home', ['home', '', null]],
    ['names that only begin alike', '/homes/me', ['root', 'homes/me', null]],
    ['a bind mount of something on one is that', '/srv/x/file', ['home', 'me/x/file', null]],
    ['what persists is beneath', '/home/me/.config/app/x', ['home', 'me/.config/app/x', '/home/me/.config']],
    ['a file that is mounted', '/etc/machine-id', ['root', 'etc/machine-id', '/etc/machine-id']],
    ['another filesystem', '/tmp/x', ['root', 'tmp/x', '/tmp']],
    ['beneath a bind mount of something on one', '/srv/x/usb/y', ['home', 'me/x/usb/y', '/srv/x/usb']],
    ['by way of the top level', '/top/root/etc/passwd', ['root', 'etc/passwd', null]],
    ['a subvolume of a name that begins alike', '/other/etc', ['root', 'other/etc', '/other']],
  ])('%s', (_, path, expected) => {
    expect(place(path)).toEqual(expected);
  });

  it('is none where no live root is', () => {
    expect(place('/etc/passwd', [HOME])).toBe(null);
    expect(place('/srv/x/file', [HOME])).toEqual(['home', 'me/x/file', null]);
  });

  it('of a live root that is a plain directory', () => {
    const plain = { mountPoint: '/tmp/live' as BytePath };
    expect(livePlace([plain], mounts, '/tmp/live/etc/x' as BytePath)).toMatchObject({ inside: 'etc/x', covering: null });
    expect(livePlace([plain], mounts, '/tmp/live-2/x' as BytePath)).toBe(null);
  });
});
