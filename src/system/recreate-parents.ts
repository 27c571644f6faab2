/**
 * The directories that a restored path needs and that are no longer there, with the owner and mode that they had in the old root.
 */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { parentOf, printable, toBytes, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf } from '../errors.ts';
import { directoryBeneath, FILESYSTEM, isTrustedDirectory, placeBeneath } from './beneath.ts';

/** `source` is a path inside `root`, `destination` absolute; where they end in the same names, those are the same directories. */
export function recreateMissingParents(root: BytePath, source: BytePath, destination: BytePath): void {
  const missing: { from: BytePath; to: BytePath }[] = [];
  for (
    let [from, to] = [parentOf(source), parentOf(destination)];
    from !== '' && !isTrustedDirectory(to);
    [from, to] = [parentOf(from), parentOf(to)]
  ) {
    missing.unshift({ from, to });
  }
  for (const { from, to } of missing) recreate(root, from, to);
}

function recreate(root: BytePath, from: BytePath, to: BytePath): void {
  const source = directoryBeneath(root, from, { links: 'inside' });
  const place = placeBeneath(FILESYSTEM, to, { links: 'trusted' });
  try {
    const stats = fstatSync(source.fd);
    mkdirSync(toBytes(place.path), { mode: 0o700 });
    const made = openSync(toBytes(place.path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      // Between the two calls whoever owns the directory around it could have put another one there.
      const fresh = fstatSync(made);
      if (fresh.uid !== process.geteuid?.() || (fresh.mode & 0o077) !== 0 || readdirSync(`/proc/self/fd/${String(made)}`).length > 0) {
        throw new RootsError('failed', `${printable(to)} was exchanged by somebody else while it was made`);
      }
      giveAway(made, stats.uid, stats.gid);
      fchmodSync(made, stats.mode & 0o7777);
    } finally {
      closeSync(made);
    }
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
