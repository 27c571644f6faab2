/**
 * Names of one file stay names of one file, also where they are copied one by one or in several trees.
 */
import { linkSync, lstatSync, renameSync, unlinkSync, type BigIntStats } from 'node:fs';
import { joinPath, parentOf, toBytes, type BytePath } from '../byte-path.ts';
import { FILESYSTEM, placeBeneath } from './beneath.ts';
import type { Run } from './run.ts';

interface Copy {
  /** Absolute. */
  readonly path: BytePath;
  /** What was there, to be recognised again: somebody else may be able to change what is at the path. */
  readonly mark: string;
}

/** What is copied, where it is made and nobody else can reach it, and where it is to be: absolute. */
export interface Copying {
  readonly source: BytePath;
  readonly made: BytePath;
  readonly at: BytePath;
}

export class LinkedCopies {
  readonly #copies = new Map<string, Copy>();

  /** `mark`: of the copy of `source`, taken where nobody else could change it; `at`: its absolute path. */
  add(source: BytePath, mark: string | undefined, at: BytePath): void {
    const key = keyOf(source);
    if (key !== undefined && mark !== undefined) this.#copies.set(key, { path: at, mark });
  }

  /**
   * Gives the name `made`, at which nothing is, to the copy of another name of the same file. False, and nothing is made, if there is none, on another filesystem, or if it is no
   * longer what it was.
   */
  link(source: BytePath, made: BytePath): boolean {
    const key = keyOf(source);
    const copy = key === undefined ? undefined : this.#copies.get(key);
    return copy !== undefined && linkTo(copy, made);
  }

  /**
   * The same for what is in a directory that was copied as a whole, and what others may become names of. `spare`: a free name where `made` is. What is at `made` has the times of
   * its source then.
   */
  async linkWithin(run: Run, { source, made, at }: Copying, spare: BytePath, signal: AbortSignal): Promise<void> {
    const changed = new Set<BytePath>();
    /** Of which the first name is in here. */
    const own = new Set<string>();
    for (const path of await linkedFiles(run, source, signal)) {
      const [from, copy] = [joinPath(source, path), joinPath(made, path)];
      const key = keyOf(from);
      const mark = key === undefined || own.has(key) ? undefined : markOf(copy);
      if (key === undefined || mark === undefined) continue;
      const known = this.#copies.get(key);
      if (known !== undefined && linkTo(known, spare)) {
        renameSync(toBytes(spare), toBytes(copy));
        changed.add(parentOf(path));
      } else {
        own.add(key);
        this.#copies.set(key, { path: joinPath(at, path), mark });
      }
    }
    for (const path of changed) await run('touch', ['-r', { path: joinPath(source, path) }, '--', { path: joinPath(made, path) }]);
  }
}

/** Relative to the directory. */
async function linkedFiles(run: Run, directory: BytePath, signal: AbortSignal): Promise<BytePath[]> {
  const { stdout } = await run('find', [{ path: directory }, '-type', 'f', '-links', '+1', '-printf', '%P\\0'], { signal });
  return stdout
    .toString('latin1')
    .split('\0')
    .filter((path) => path !== '') as BytePath[];
}

function linkTo(copy: Copy, made: BytePath): boolean {
  try {
    const place = placeBeneath(FILESYSTEM, copy.path, { links: 'trusted' });
    try {
      linkSync(toBytes(place.path), toBytes(made));
    } finally {
      place.directory.close();
    }
  } catch {
    return false;
  }
  if (markOf(made) === copy.mark) return true;
  unlinkSync(toBytes(made));
  return false;
}

/** Undefined for what has one name only. */
function keyOf(path: BytePath): string | undefined {
  const stats = fileAt(path);
  // On bcachefs a nested snapshot shares device and inode with its source, and changes of the one are none of the other.
  return stats === undefined || stats.nlink < 2n ? undefined : [sameFile(stats), stats.ctimeNs].join(' ');
}

/** Stays as it is when the file gets another name. Undefined if it is no file. */
export function markOf(path: BytePath): string | undefined {
  const stats = fileAt(path);
  return stats === undefined ? undefined : sameFile(stats);
}

/** The number of a file that is gone is soon that of another. */
function sameFile({ dev, ino, birthtimeNs, mtimeNs, size, uid }: BigIntStats): string {
  return [dev, ino, birthtimeNs, mtimeNs, size, uid].join(' ');
}

function fileAt(path: BytePath): BigIntStats | undefined {
  const stats = lstatSync(toBytes(path), { bigint: true, throwIfNoEntry: false });
  return stats?.isFile() === true ? stats : undefined;
}
