/**
 * Which mounted filesystem a device is of, and its top level.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { printableText, toText } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { readAllMountTables, type Mount } from '../../system/mounts.ts';
import type { Access, PrivateMount } from '../../system/private-mount.ts';
import type { Services } from '../backend.ts';

export interface TopLevel {
  readonly top: PrivateMount;
  /** How the filesystem as a whole is mounted. */
  readonly superblock: Access;
}

/**
 * Errors: `unsupported` if the kernel has no bcachefs; `failed` if the filesystem is not mounted, or is mounted read-only and to be written to.
 * What is not mounted is left so: it may be that of a hibernated system, or one that needs a repair first.
 */
export async function mountTopLevel({ run, privateMounts }: Services, device: string): Promise<TopLevel> {
  const wanted = new Set(devicesOf(device));
  const { mounts } = await readAllMountTables(run);
  const mounted = mounts.find(({ type, source }) => type === 'bcachefs' && devicesOf(toText(source)).some((each) => wanted.has(each)));
  if (mounted === undefined) throw notMounted(device);
  if (privateMounts.access === 'write' && superblockOf(mounted) === 'read')
    throw new RootsError('failed', `the filesystem on ${device} is mounted read-only`, {
      hint: 'if that is not on purpose, mount it for writing first (mount -o remount,rw)',
    });
  return { top: await mountAgain(privateMounts, mounted), superblock: superblockOf(mounted) };
}

/**
 * The top level of what is mounted. With the flag that the superblock has: with the other one Linux 6.12 refuses (EBUSY) and stops the filesystem for all. Without
 * mount.bcachefs, which would ask for the passphrase of an encrypted one again; the kernel knows it already.
 */
export async function mountAgain(mounts: Services['privateMounts'], mounted: Mount): Promise<PrivateMount> {
  return mounts.mount(toText(mounted.source), 'bcachefs', [], { superblock: superblockOf(mounted), withoutHelper: true });
}

function superblockOf({ superOptions }: Pick<Mount, 'superOptions'>): Access {
  return superOptions.includes('ro') ? 'read' : 'write';
}

/** The block devices of what mount(8) takes: of several devices, joined by colons; a name in /dev/disk/by-path has colons of its own. */
export function devicesOf(text: string): string[] {
  return text.split(/:(?=\/)/).map((device) => {
    try {
      return realpathSync(device);
    } catch {
      return device;
    }
  });
}

function notMounted(device: string): RootsError {
  const name = printableText(device);
  if (!/\tbcachefs$/m.test(readFileSync('/proc/filesystems', 'latin1')))
    return new RootsError('unsupported', `${name} is not mounted, and this kernel has no bcachefs`, {
      hint: 'load its module (modprobe bcachefs), then mount the filesystem',
    });
  return new RootsError('failed', `there is no bcachefs mounted from ${name}`, {
    hint: 'mount it first, anywhere; check `device` in the configuration',
  });
}
