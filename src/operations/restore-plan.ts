/**
 * What restoring would do with a path and all that is below it.
 */
import { joinPath, printable } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { readEntry } from '../system/entry.ts';
import { readNames } from '../system/names.ts';
import type { Run } from '../system/run.ts';
import { existingAt, sourcePlace } from './restore-places.ts';
import { reasonOf, stepFor, type Found, type Paths, type RestoreStep, type Sides } from './restore-step.ts';
import { XattrComparison } from './xattr-comparison.ts';

/** So many are compared at once, each with directories of its own held open. */
const AT_ONCE = 100;

/** Plans one file or a whole tree; a directory that is there already is entered, one that is not is one step. Errors: `not-found`. */
export async function planRestore(run: Run, sides: Sides): Promise<RestoreStep[]> {
  const isSameTree = async (paths: Paths): Promise<boolean> =>
    (await planRestore(run, { ...sides, ...paths, conflict: 'leave' })).every(({ action }) => action === 'same');
  const means = { run, sides, xattrs: new XattrComparison(run), isSameTree };
  const steps: RestoreStep[] = [];
  let due: Found[] = [];
  const decide = async (): Promise<void> => {
    try {
      steps.push(...(await Promise.all(due.map((found) => stepFor(means, found)))));
    } finally {
      for (const { from } of due) from.place.directory.close();
      due = [];
    }
  };
  // A list and not recursion: trees can be deeper than the stack.
  const ahead: Paths[] = [{ source: sides.source, destination: sides.destination }];
  try {
    for (let paths = ahead.pop(); paths !== undefined; paths = ahead.pop()) {
      if (sides.signal.aborted) throw new RootsError('interrupted', 'stopped; nothing was changed');
      try {
        const found = find(sides, paths);
        if (found.from.entry.type === 'directory' && found.existing?.type === 'directory') ahead.push(...namesIn(found));
        else due.push(found);
      } catch (error) {
        // One of many that cannot be read does not stop the others.
        if (paths.source === sides.source) throw error;
        steps.push({ ...paths, ...NOTHING_KNOWN, action: 'refuse', why: reasonOf(error) });
      }
      if (due.length === AT_ONCE) await decide();
    }
    await decide();
  } finally {
    for (const { from } of due) from.place.directory.close();
  }
  return steps;
}

const NOTHING_KNOWN = { type: null, size: null, entries: null, before: null, isBeside: false } as const;

/** The place of what is found stays open. Errors: `not-found`. */
function find(sides: Sides, paths: Paths): Found {
  const place = sourcePlace(sides.root, paths.source);
  try {
    const entry = readEntry(place.path);
    if (entry === null) throw new RootsError('not-found', `${printable(paths.source)} is not in this old root`);
    return { ...paths, from: { place, entry }, existing: existingAt(paths.destination) };
  } catch (error) {
    place.directory.close();
    throw error;
  }
}

/** The last one first. */
function namesIn({ source, destination, from }: Found): Paths[] {
  try {
    return readNames(from.place.path)
      .map((name) => ({ source: joinPath(source, name), destination: joinPath(destination, name) }))
      .reverse();
  } finally {
    from.place.directory.close();
  }
}
