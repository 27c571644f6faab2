/** Entries of a tree as lstat(2) has them. */
import { constants, type BigIntStats } from 'node:fs';
import type { BytePath } from '../byte-path.ts';
import type { EntryType } from '../diff/change.ts';
import { Unreadable, type Entry } from '../diff/tree.ts';

const TYPES: Readonly<Record<number, EntryType>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
  [constants.S_IFIFO]: 'fifo',
  [constants.S_IFSOCK]: 'socket',
  [constants.S_IFBLK]: 'block',
  [constants.S_IFCHR]: 'char',
};

/** Errors: `Unreadable` for a type that is not known. */
export function entryOf(name: BytePath, stats: BigIntStats): Entry {
  const mode = Number(stats.mode);
  const type = TYPES[mode & constants.S_IFMT];
  if (type === undefined) throw new Unreadable('it is of an unknown type');
  const { uid, gid, size, rdev, mtimeNs, ctimeNs, dev, ino } = stats;
  return { name, type, mode: mode & 0o7777, uid, gid, size, rdev, mtimeNs, ctimeNs, dev, ino, mounted: false };
}
