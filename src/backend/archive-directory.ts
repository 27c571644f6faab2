/**
 * Entries of an archive that is a directory, by a descriptor of it that is held open, so that it is the same from first to last.
 */
import { lstatSync, renameSync } from 'node:fs';
import { joinPath, printableText, toBytes, type BytePath } from '../byte-path.ts';
import type { Run } from '../system/run.ts';
import { LONGEST_NAME } from './entry-name.ts';
import { NAME_TAKEN, type Premises } from './set-aside.ts';

/** Under the lock nobody else makes names of ours, so what is checked to be absent before a rename stays absent. */
export function entriesIn(archive: BytePath, run: Run): Pick<Premises, 'exists' | 'longestName' | 'rename' | 'renameWithoutReplacing'> {
  const at = (entry: BytePath): Buffer => toBytes(joinPath(archive, entry));
  return {
    exists: async (entry) => Promise.resolve(hasEntry(archive, entry)),
    longestName: () => LONGEST_NAME,
    // Async, so that an error is one of the promise.
    rename: async (from, to) => {
      renameSync(at(from), at(to));
      return Promise.resolve();
    },
    renameWithoutReplacing: async (from, to) => moveWithoutReplacing(run, archive, from, to),
  };
}

export function hasEntry(archive: BytePath, entry: BytePath): boolean {
  return lstatSync(toBytes(joinPath(archive, entry)), { throwIfNoEntry: false }) !== undefined;
}

/**
 * mv(1) asks the kernel not to replace anything (renameat2, RENAME_NOREPLACE), which Node cannot. Where the name is taken, mv of coreutils
 * before 9.5 does nothing and says nothing.
 */
async function moveWithoutReplacing(run: Run, archive: BytePath, from: BytePath, to: BytePath): Promise<string | null> {
  if (hasEntry(archive, to)) return NAME_TAKEN;
  const at = (name: BytePath): { path: BytePath } => ({ path: joinPath(archive, name) });
  const { status, stderr } = await run('mv', ['--no-clobber', '--no-target-directory', '--', at(from), at(to)]);
  if (!hasEntry(archive, from)) return null;
  return status === 0 ? NAME_TAKEN : printableText(stderr.replace(/^mv: (?:cannot move .*?: (?=[A-Z]))?/, ''));
}
