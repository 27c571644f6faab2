/**
 * Copying something to a new place so that it appears there whole or not at all, with all that it is made of: it is made in a staging directory beside the destination
 * (staging.ts), and gets its name when it is on disk.
 */
import { constants, closeSync, fsyncSync, linkSync, lstatSync, openSync, renameSync } from 'node:fs';
import { joinPath, printable, printableText, toBytes, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf } from '../errors.ts';
import type { HeldDirectory, Place } from './beneath.ts';
import { copyTree, type CopyReport } from './copy-tree.ts';
import { isUnchanged, readEntry, type Entry } from './entry.ts';
import { markOf, type LinkedCopies } from './linked-copies.ts';
import { asRefusal, takeName } from './new-name.ts';
import type { Run } from './run.ts';
import { inStaging } from './staging.ts';

export interface CopyOptions {
  /** Put in place of what is there (never of a directory). Without it, whatever is there stays and the copy fails. */
  readonly replace: boolean;
  /** With `replace`: what was there when that was decided. If it is not that any more when the copy is ready, it stays. */
  readonly expected?: Entry;
  /** With `replace`: the name beside it that what was there gets. */
  readonly backup?: BytePath;
  /** Names of files that were copied with it and before; `at` is the absolute path of the destination. */
  readonly links?: { readonly copies: LinkedCopies; readonly at: BytePath };
  readonly signal: AbortSignal;
}

const NOTHING_LOST: CopyReport = { lost: [], missing: [] };

/**
 * Copies the file, link, special file or whole directory at `from` to `to`. A kill at any moment leaves at `to` what was there or all of
 * the copy, and perhaps a staging directory, which `sweepStaging` removes. Errors: `failed` (the name is taken, no space, …), `interrupted`.
 */
export async function copyInto(run: Run, from: Place, to: Place, options: CopyOptions): Promise<CopyReport> {
  const { links, signal } = options;
  return inStaging(run, to.directory, async ({ made, spare }) => {
    const isLinked = links?.copies.link(from.path, made) === true;
    const report = isLinked ? NOTHING_LOST : await copyTree(run, from.path, made, signal);
    if (links !== undefined && lstatSync(toBytes(made)).isDirectory())
      await links.copies.linkWithin(run, { source: from.path, made, at: links.at }, spare, signal);
    await flush(run, made);
    // In here nobody else can put anything in its place.
    links?.copies.add(from.path, markOf(made), links.at);
    if (options.replace) replace(made, to, options);
    else takeName(made, to);
    flushDirectory(to.directory);
    return report;
  });
}

/** On disk before it gets its name. */
async function flush(run: Run, path: BytePath): Promise<void> {
  const stats = lstatSync(toBytes(path));
  if (stats.isFile()) {
    const fd = openSync(toBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } else if (stats.isDirectory()) {
    const result = await run('sync', ['-f', '--', { path }]);
    if (result.status !== 0) throw new RootsError('failed', `the copy cannot be written to disk: ${printableText(result.stderr)}`);
  }
}

/** So that the new name is on disk too. A directory that may be written to need not be readable, and then this cannot be asked for. */
export function flushDirectory(directory: HeldDirectory): void {
  let fd: number;
  try {
    fd = openSync(toBytes(directory.path), constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return;
    throw error;
  }
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function replace(made: BytePath, to: Place, { expected, backup }: CopyOptions): void {
  try {
    // rename(2) itself puts a directory in place of an empty one.
    if (lstatSync(toBytes(to.path), { throwIfNoEntry: false })?.isDirectory() === true)
      throw new RootsError('failed', `${printable(to.name)} is a directory; it is left as it is`);
    // Copying can take long, and somebody may have worked on it meanwhile.
    const now = readEntry(to.path);
    if (expected !== undefined && (now === null || !isUnchanged(expected, now)))
      throw new RootsError('failed', 'what is there has changed meanwhile; it is left as it is');
    if (backup !== undefined) linkSync(toBytes(to.path), toBytes(joinPath(to.directory.path, backup)));
    renameSync(toBytes(made), toBytes(to.path));
  } catch (error) {
    throw asRefusal(to.name, error);
  }
}
