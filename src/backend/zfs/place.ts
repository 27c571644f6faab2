/**
 * Datasets and snapshots as paths: each through a private mount, whatever its own mount point is.
 */
import { mkdirSync } from 'node:fs';
import { fromText, joinPath, printableText, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { readAllMountTables } from '../../system/mounts.ts';
import type { PrivateMount, PrivateMountPool } from '../../system/private-mount.ts';
import type { Access, MountSource } from '../../system/mount-source.ts';
import type { Run } from '../../system/run.ts';
import { isSnapshot, lastPart, parentOfDataset, type Places } from './names.ts';
import { zfs } from './program.ts';

/** Errors: as those of private mounts; `failed` if its key is not loaded. */
export async function mountToRead(run: Run, pool: PrivateMountPool, dataset: string): Promise<PrivateMount> {
  // A second mount must be as the first is, read-only or not.
  const first = isSnapshot(dataset) ? 'read' : await howMounted(run, dataset);
  return mountAs(run, pool, dataset, { access: 'read', superblock: first ?? 'read' });
}

/** Where it is mounted by anyone: undefined, nowhere. */
export async function howMounted(run: Run, dataset: string): Promise<Access | undefined> {
  const { mounts } = await readAllMountTables(run);
  const mount = mounts.find(({ type, source }) => type === 'zfs' && source === dataset);
  if (mount === undefined) return undefined;
  return mount.superOptions.includes('rw') ? 'write' : 'read';
}

async function mountAs(
  run: Run,
  pool: PrivateMountPool,
  dataset: string,
  how: Pick<MountSource, 'access' | 'superblock'>,
): Promise<PrivateMount> {
  try {
    return await pool.mount(dataset, 'zfs', [], { ...how, withoutHelper: true });
  } catch (error) {
    if (!(error instanceof RootsError) || isSnapshot(dataset)) throw error;
    const key = await zfs(run, ['get', '-H', '-o', 'value', 'keystatus', dataset]);
    if (key.status === 0 && key.stdout.toString('utf8').trim() === 'unavailable')
      throw new RootsError('failed', `${printableText(dataset)} is encrypted, and its key is not loaded`, {
        hint: `load it first: zfs load-key ${printableText(dataset)}`,
        cause: error,
      });
    throw error;
  }
}

/**
 * Where the state of a target is that must survive a boot: in the filesystem of the archive. Where all old roots are snapshots, that of the live root forgets, so
 * it is in the one above that. Errors: `unsupported` if there is none above.
 */
export async function mountState(
  run: Run,
  pool: PrivateMountPool,
  { archive, live }: Places,
): Promise<{ mount: PrivateMount; path: BytePath }> {
  const dataset = archive ?? parentOfDataset(live ?? '');
  if (dataset === null)
    throw new RootsError('unsupported', `there is no dataset above ${live ?? ''} in which a log could survive a boot`, {
      hint: 'give `archive`, a dataset, in the configuration',
    });
  const superblock = (await howMounted(run, dataset)) ?? 'write';
  const access = superblock === 'read' ? 'read' : pool.access;
  const mount = await mountAs(run, pool, dataset, { access, superblock });
  return { mount, path: archive === null ? joinPath(mount.path, fromText(`.roots-${lastPart(live ?? '')}`)) : mount.path };
}

/** For the state of a target that has no archive of its own. */
export function makeStatePlace(path: BytePath): void {
  mkdirSync(toBytes(path), { recursive: true, mode: 0o700 });
}
