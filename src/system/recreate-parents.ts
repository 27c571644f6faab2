/**
 * The directories that a restored path needs and that are no longer there, as they were in the old root: owner, mode, extended attributes with ACLs, times.
 */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { fromText, joinPath, parentOf, printable, printableText, toBytes, type BytePath } from '../byte-path.ts';
import { Unreadable } from '../diff/tree.ts';
import { RootsError, errnoOf } from '../errors.ts';
import { directoryBeneath, FILESYSTEM, isTrustedDirectory, placeBeneath } from './beneath.ts';
import { takeName } from './new-name.ts';
import type { Run } from './run.ts';
import { flushDirectory } from './staged-copy.ts';
import { inStaging, sweepStaging } from './staging.ts';
import { readXattrs } from './xattrs.ts';

export interface MadeParent {
  /** Where the old root can be read, and the directory in it. */
  readonly root: BytePath;
  readonly from: BytePath;
  /** Absolute. */
  readonly to: BytePath;
  /** Of what was made: whoever owns the directory around it can put another one there. */
  readonly dev: number;
  readonly ino: number;
}

/**
 * `source` is a path inside `root`, `destination` absolute; where they end in the same names, those are the same directories. Outermost first. `lost`: what their filesystem
 * has no place for, for people.
 */
export async function recreateMissingParents(
  run: Run,
  root: BytePath,
  source: BytePath,
  destination: BytePath,
): Promise<{ readonly made: readonly MadeParent[]; readonly lost: readonly string[] }> {
  const missing: { from: BytePath; to: BytePath }[] = [];
  for (let [from, to] = [parentOf(source), parentOf(destination)]; !isTrustedDirectory(to); [from, to] = [parentOf(from), parentOf(to)]) {
    missing.unshift({ from, to });
    // The old root itself; what is above it, it says nothing of.
    if (from === '') break;
  }
  const made: MadeParent[] = [];
  const lost: string[] = [];
  for (const { from, to } of missing) made.push(await recreate(run, { root, from, to }, lost));
  return { made, lost };
}

/** After all that goes into them is there: each new name changes the time of its directory. What cannot be set stays as it is. */
export async function restoreTimes(run: Run, made: readonly MadeParent[]): Promise<void> {
  for (const parent of made.toReversed()) {
    try {
      await restoreTime(run, parent);
    } catch (error) {
      if (!(error instanceof RootsError) || error.kind === 'interrupted') throw error;
    }
  }
}

async function restoreTime(run: Run, { root, from, to, dev, ino }: MadeParent): Promise<void> {
  const source = directoryBeneath(root, from, { links: 'inside' });
  try {
    const held = directoryBeneath(FILESYSTEM, to, { links: 'trusted' });
    try {
      const stats = fstatSync(held.fd);
      if (stats.dev === dev && stats.ino === ino) await run('touch', ['-r', { path: source.path }, '--', { path: held.path }]);
    } finally {
      held.close();
    }
  } finally {
    source.close();
  }
}

type Parent = Pick<MadeParent, 'root' | 'from' | 'to'>;

async function recreate(run: Run, parent: Parent, lost: string[]): Promise<MadeParent> {
  const { root, from, to } = parent;
  const source = directoryBeneath(root, from, { links: 'inside' });
  const place = placeBeneath(FILESYSTEM, to, { links: 'trusted' });
  try {
    const { uid, gid, mode } = fstatSync(source.fd);
    await sweepStaging(run, place.directory);
    return await inStaging(run, place.directory, async ({ made }) => {
      mkdirSync(toBytes(made), { mode: 0o700 });
      const directory = openSync(toBytes(made), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        giveAway(directory, uid, gid);
        const path = fromText(`/proc/${String(process.pid)}/fd/${String(directory)}`);
        lost.push(...(await giveXattrs(run, source.path, path)).map((why) => `${printable(to)}: ${why}`));
        fchmodSync(directory, mode & 0o7777);
        takeName(made, place);
        flushDirectory(place.directory);
        const { dev, ino } = fstatSync(directory);
        return { ...parent, dev, ino };
      } finally {
        closeSync(directory);
      }
    });
  } finally {
    source.close();
    place.directory.close();
  }
}

/** Only root can; for others the directory stays theirs. */
function giveAway(directory: number, uid: number, gid: number): void {
  try {
    fchownSync(directory, uid, gid);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
  }
}

/** Both are paths of descriptors, which are links: what they lead to is meant. */
async function giveXattrs(run: Run, from: BytePath, to: BytePath): Promise<string[]> {
  const itself = fromText('.');
  const [attributes, inherited] = await readXattrs(run, [joinPath(from, itself), joinPath(to, itself)]);
  if (attributes === undefined || inherited === undefined || attributes instanceof Unreadable || inherited instanceof Unreadable)
    return ['its extended attributes cannot be read'];
  const lost: string[] = [];
  // A default ACL of the directory around it would let others in who could not enter the one in the old root.
  for (const name of [...inherited.keys()].filter((each) => !attributes.has(each))) {
    const { status } = await run('setfattr', ['-x', { path: name }, '--', { path: joinPath(to, itself) }]);
    if (status !== 0) lost.push(`${printable(name)}: it cannot be taken away`);
  }
  for (const [name, value] of attributes) {
    const { status, stderr } = await run('setfattr', ['-n', { path: name }, '-v', `0x${value}`, '--', { path: joinPath(to, itself) }]);
    if (status !== 0) lost.push(`${printable(name)}: ${printableText(stderr.split(': ').at(-1) ?? 'it cannot be set')}`);
  }
  return lost;
}
