/**
 * What is mounted and how, whichever way keeps the mount private.
 */
import { RootsError } from '../errors.ts';

export type Access = 'read' | 'write';

export interface MountSource {
  readonly device: string;
  readonly type: string;
  readonly options: readonly string[];
  readonly access: Access;
  /**
   * How the filesystem as a whole is mounted already, where a second mount must be the same: with the other, ZFS refuses it, and bcachefs (Linux 6.12)
   * stops the filesystem for all. The mount itself is then made read-only.
   */
  readonly superblock?: Access;
  /** Without the mount program of the filesystem, which has conditions of its own (mount.zfs wants `mountpoint=legacy`). */
  readonly withoutHelper?: boolean;
}

/**
 * `nosymfollow` (Linux 5.10, util-linux 2.38): programs that find what is in a tree by names are led out of it by no link, whenever somebody puts one there. Links are
 * read all the same.
 */
const PRIVATE = ['nosuid', 'nodev', 'noexec', 'noatime', 'nosymfollow'];

/** Makes a private mount writable whose superblock is. */
export const REMOUNT_WRITABLE = ['remount', 'bind', 'rw', ...PRIVATE].join(',');

/** Arguments of mount(8), but for the place. */
export function mountArguments({ device, type, options, access, superblock = access, withoutHelper = false }: MountSource): string[] {
  const all = [superblock === 'read' ? 'ro' : 'rw', ...PRIVATE, ...options].join(',');
  return [...(withoutHelper ? ['-i'] : []), '-t', type, '-o', all, '--', device];
}

/** What makes the mount that was made so read-only; null if it is as it should be. */
export function remountOptions({ access, superblock = access }: MountSource): string | null {
  return access === superblock ? null : ['remount', 'bind', 'ro', ...PRIVATE].join(',');
}

/**
 * From what mount(8) or unshare(1) said. The wordings are those of util-linux 2.38 to 2.41 with LC_ALL=C; test/unit/system/private-mount.test.ts has them
 * from the real programs.
 */
export function mountError(
  { device, type }: MountSource,
  { status, stderr }: { readonly status: number; readonly stderr: string },
): RootsError {
  const words = stderr.split('\n')[0] ?? '';
  if (/Operation not permitted|permission denied|must be superuser/i.test(stderr)) {
    return new RootsError('not-permitted', `${device} cannot be mounted privately: ${words}`, {
      hint: 'run as root (sudo), outside of a sandbox that forbids mounts',
    });
  }
  if (stderr.includes('unknown filesystem type')) {
    return new RootsError('unsupported', `this kernel does not know the filesystem of ${device}: ${words}`);
  }
  return new RootsError('failed', `${device} cannot be mounted: ${words === '' ? `mount ended with status ${String(status)}` : words}`, {
    hint:
      type === 'zfs'
        ? '`zpool status` and `zfs get all` say how it is'
        : 'check `device` in the configuration; `lsblk -f` shows what there is',
  });
}
