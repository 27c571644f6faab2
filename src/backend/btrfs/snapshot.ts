/**
 * A read-only snapshot of the live root in the archive.
 */
import { baseName, joinPath, printable, printableText, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import { hasEntry } from '../archive-directory.ts';
import { pathOfEntry, realDirectory } from '../subvolume-archive.ts';
import type { Site } from './premises.ts';
import { identifyOne, isSubvolume, nestedIn } from './subvolumes.ts';

/** Returns the subvolumes inside the live root, which a snapshot does not hold, as paths in it. The lock must be held. */
export async function takeSnapshot(site: Site, live: BytePath, name: BytePath): Promise<BytePath[]> {
  const { top, held } = site;
  const failed = (why: string): RootsError => new RootsError('failed', `no snapshot of \`${printable(live)}\` is taken: ${why}`);
  if (realDirectory(top.path, live) === null || !isSubvolume(joinPath(top.path, live)))
    throw failed('it is no subvolume, or a link is on the way to it');
  // Onto a directory that is there `btrfs` would put it into that, and say nothing.
  if (hasEntry(held.path, name)) throw failed(`there is something named \`${printable(name)}\` in the archive`);
  const inside = (path: BytePath): { path: BytePath } => ({ path: joinPath(top.pathInside, path) });
  const { status, stderr } = await top.runInside('btrfs', [
    'subvolume',
    'snapshot',
    '-r',
    '--',
    inside(live),
    inside(pathOfEntry(site, name)),
  ]);
  if (status !== 0) throw failed(printableText(stderr.replace(/^ERROR: /, '')));
  // No subvolume is in a snapshot: then it was put into something that has the name since.
  if (!isSubvolume(joinPath(held.path, name)) || isSubvolume(joinPath(held.path, name, baseName(live))))
    throw failed('it is not where it should be');
  const { id } = await identifyOne(top, live);
  return (await nestedIn(top, { id, path: live })).map((nested) => nested.path.slice(live.length + 1) as BytePath);
}
