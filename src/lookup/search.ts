/** All entries of one tree whose paths fit a pattern. */
import { joinPath, type BytePath } from '../byte-path.ts';
import { Unreadable, type Entry, type NamedDirectory, type NamesReader, type Tree } from '../diff/tree.ts';
import { isDirectory } from '../diff/compare.ts';
import { RootsError } from '../errors.ts';

export interface SearchOptions {
  /** `path`: relative to the tree. */
  readonly matches: (path: BytePath) => boolean;
  readonly mayHold: (directory: BytePath) => boolean;
  readonly found: (path: BytePath, entry: Entry) => void;
  /** What could not be read is not searched. */
  readonly problem: (path: BytePath, why: string) => void;
  /** So many entries more were looked at. */
  readonly looked: (count: number) => void;
  readonly signal: AbortSignal;
}

/** A directory on the way, and what was listed in it and is still to be entered. */
interface Frame {
  readonly directory: NamedDirectory;
  readonly path: BytePath;
  readonly ahead: Entry[];
}

/** Nothing that is mounted in the tree is entered, and subvolumes nested in it are. Errors: `Unreadable` if the tree is; `interrupted`. */
export async function search(reader: NamesReader, tree: Tree, options: SearchOptions): Promise<void> {
  const root = await reader.open(tree);
  const stack: Frame[] = [];
  try {
    stack.push({ directory: root, path: '' as BytePath, ahead: await listed(root, '' as BytePath, options) });
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      if (options.signal.aborted) throw new RootsError('interrupted', 'the search was interrupted');
      const next = frame.ahead.pop();
      if (next === undefined) {
        stack.pop();
        frame.directory.close();
        continue;
      }
      const path = joinPath(frame.path, next.name);
      try {
        const directory = await frame.directory.enter(next);
        // Before it is listed, so that it is closed whatever comes of that.
        stack.push({ directory, path, ahead: [] });
        stack.at(-1)?.ahead.push(...(await listed(directory, path, options)));
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        options.problem(path, error.why);
      }
    }
  } finally {
    for (const { directory } of stack.toReversed()) directory.close();
    root.close();
  }
}

/** Tells of what fits in it, and returns what is to be entered, the first one last. */
async function listed(directory: NamedDirectory, path: BytePath, options: SearchOptions): Promise<Entry[]> {
  const ahead: Entry[] = [];
  const names = await directory.names();
  options.looked(names.length);
  for (const { name, isDirectory: mayBeEntered } of names) {
    const at = joinPath(path, name);
    const isWanted = options.matches(at);
    if (!isWanted && !(mayBeEntered && options.mayHold(at))) continue;
    try {
      const entry = await directory.lookup(name);
      if (entry === null) continue;
      if (isWanted) options.found(at, entry);
      if (isDirectory(entry.type) && !entry.mounted && options.mayHold(at)) ahead.push(entry);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      options.problem(at, error.why);
    }
  }
  return ahead.reverse();
}
