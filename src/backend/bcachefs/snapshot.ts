/**
 * A read-only snapshot of the live root in the archive, and the time that it was taken.
 */
import { accessSync, constants } from 'node:fs';
import { fromText, isUtf8, joinPath, printable, toBytes, type BytePath } from '../../byte-path.ts';
import { RootsError, messageOf } from '../../errors.ts';
import { holdRealDirectory, type HeldDirectory } from '../../system/beneath.ts';
import { readNames } from '../../system/names.ts';
import { hasEntry } from '../archive-directory.ts';
import { makeStateFolder } from '../archive-state.ts';
import { deletingName } from '../entry-name.ts';
import type { Premises } from '../set-aside.ts';
import { realDirectory } from '../subvolume-archive.ts';
import { wordsOf } from './parse.ts';
import type { Site } from './premises.ts';
import { removeSubvolume } from './remove.ts';
import { readSnapshotTimes, requireReadable, writeSnapshotTime } from './snapshot-times.ts';
import { TELLING, identify, identityOf, nestedIn, type Identity } from './subvolumes.ts';

/**
 * Returns the subvolumes inside the live root, which a snapshot does not hold, as paths in it. The lock must be held. It has a name of what is on its way out until its
 * time is written down: what is cut short before that is removed by the next run, and there is none without a time.
 */
export async function takeSnapshot(site: Site, premises: Premises, live: BytePath, name: BytePath): Promise<BytePath[]> {
  const failed = (why: string): RootsError => new RootsError('failed', `no snapshot of \`${printable(live)}\` is taken: ${why}`);
  const source = holdLive(site, live, failed);
  try {
    if (hasEntry(site.held.path, name)) throw failed(`there is something named \`${printable(name)}\` in the archive`);
    requireReadable(readSnapshotTimes(site.held.path));
    const at = new Date();
    // The program takes UTF-8 only.
    const entry = await deletingName(isUtf8(name) ? name : fromText('snapshot'), premises.exists);
    const identity = await snapshotTo(site, source, entry, failed);
    try {
      makeStateFolder(site.held.path);
      writeSnapshotTime(site.held.path, { name, at, identity }, presentIn(site));
      const why = await premises.renameWithoutReplacing(entry, name);
      if (why !== null) throw failed(why);
    } catch (error) {
      await takeBack(site, premises, entry, identity);
      throw error instanceof RootsError ? error : failed(messageOf(error));
    }
    return (await nestedIn(source)).map(({ path }) => path);
  } finally {
    source.close();
  }
}

function holdLive({ top }: Site, live: BytePath, failed: (why: string) => RootsError): HeldDirectory {
  const path = joinPath(top.path, live);
  const isReal = live !== '' && realDirectory(top.path, live) !== null && TELLING.isSubvolume(path);
  const source = isReal ? holdRealDirectory(path) : null;
  if (source === null) throw failed('it is no subvolume, or a link is on the way to it');
  try {
    // A read-only snapshot keeps this flag for ever, and with it could never be deleted (Linux 6.12). Root may write to all but that (EPERM).
    accessSync(toBytes(source.path), constants.W_OK);
    return source;
  } catch {
    source.close();
    throw failed('it may not be written to; is it immutable? See lsattr -d');
  }
}

/** By descriptors, so that neither is found by a path again. */
async function snapshotTo(
  { top, held }: Site,
  source: HeldDirectory,
  entry: BytePath,
  failed: (why: string) => RootsError,
): Promise<Identity> {
  const to = { path: joinPath(held.path, entry) };
  const result = await top.runInside('bcachefs', ['subvolume', 'snapshot', '-r', { path: source.path }, to]);
  if (result.status !== 0) throw failed(wordsOf(result));
  const [own = null] = identify([to.path]);
  const original = identityOf(source);
  // What is a snapshot of it has its inode.
  if (own === null || own.inum !== original?.inum || !TELLING.isSubvolume(to.path)) throw failed('it is not where it should be');
  return own;
}

/** Best effort: what stays is removed by the next run. */
async function takeBack(site: Site, premises: Premises, entry: BytePath, identity: Identity): Promise<void> {
  const nothing = { check: async () => Promise.resolve(), begin: async () => Promise.resolve(entry) };
  await removeSubvolume(site, premises, { entry, key: identity }, nothing);
}

function presentIn({ held }: Site): Identity[] {
  const names = readNames(joinPath(held.path, fromText('.')));
  return identify(names.map((name) => joinPath(held.path, name))).filter((each) => each !== null);
}
