/**
 * Names of one file stay names of one file, also where they are copied one by one.
 */
import { lstatSync, type BigIntStats } from 'node:fs';
import { toBytes, type BytePath } from '../byte-path.ts';

export interface LinkSource {
  /** Absolute. */
  readonly path: BytePath;
  /** What was there, to be recognised again: somebody else may be able to change what is at the path. */
  readonly mark: string;
}

export class LinkedCopies {
  readonly #copies = new Map<string, LinkSource>();

  /** `mark`: of the copy of `source`, taken where nobody else could change it; `at`: its absolute path. */
  add(source: BytePath, mark: string | undefined, at: BytePath): void {
    const key = keyOf(source);
    if (key !== undefined && mark !== undefined) this.#copies.set(key, { path: at, mark });
  }

  /** That of another name of the same file, if there is one. */
  copyOf(source: BytePath): LinkSource | undefined {
    const key = keyOf(source);
    return key === undefined ? undefined : this.#copies.get(key);
  }
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
