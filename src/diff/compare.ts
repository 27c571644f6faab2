/**
 * What the metadata of two entries of one type says, and what it leaves open.
 */
import type { Aspect, Change, EntryType } from './change.ts';
import type { Entry, Xattrs } from './tree.ts';

export interface Comparison {
  readonly what: readonly Aspect[];
  /** The bytes have to be read to know. */
  readonly readContent: boolean;
  /** The targets of the symlinks have to be read to know. */
  readonly readTarget: boolean;
  readonly readXattrs: boolean;
  /** Which part of the owner differs, if one does. */
  readonly ownership?: NonNullable<Change['ownership']>;
}

const UNCHANGED: Comparison = { what: [], readContent: false, readTarget: false, readXattrs: false };

export function compareEntries(from: Entry, to: Entry): Comparison {
  if (from.stamp !== undefined && from.stamp === to.stamp) return UNCHANGED;
  const sameMtime = from.mtimeNs === to.mtimeNs;
  const what: Aspect[] = [];
  if (differsInContent(from, to)) what.push('content');
  if (from.mode !== to.mode) what.push('mode');
  const ownership = { user: from.uid !== to.uid, group: from.gid !== to.gid };
  if (ownership.user || ownership.group) what.push('owner');
  // A directory's mtime only echoes its entries, and hardly a tool sets that of a symlink.
  if (!sameMtime && !isDirectory(from.type) && from.type !== 'symlink') what.push('mtime');
  // ctime cannot be set by a user program, and a snapshot shares it with its source until something is changed. Two inodes can have got
  // the same one in one tick of the clock, though (4 ms). Equal inodes alone prove nothing: bcachefs snapshots share them, and the device,
  // for files that differ.
  const sameCtime = from.ctimeNs === to.ctimeNs && from.ino === to.ino;
  const sameTimes = sameMtime && sameCtime;
  if (sameTimes && what.length === 0 && from.size === to.size) return UNCHANGED;
  return {
    what,
    readContent: from.type === 'file' && from.size === to.size && !sameTimes,
    readTarget: from.type === 'symlink' && !(sameTimes && from.size === to.size),
    readXattrs: !sameCtime,
    ...(what.includes('owner') ? { ownership } : {}),
  };
}

/** Which aspects the attributes stand for: POSIX ACLs are stored as two of them. */
export function compareXattrs(from: Xattrs, to: Xattrs): readonly Aspect[] {
  const differing = [...new Set([...from.keys(), ...to.keys()])].filter((name) => from.get(name) !== to.get(name));
  const aspects = new Set(differing.map((name): Aspect => (ACLS.has(name) ? 'acl' : 'xattr')));
  return [...aspects];
}

export function isDirectory(type: EntryType): boolean {
  return type === 'directory' || type === 'subvolume';
}

const ACLS: ReadonlySet<string> = new Set(['system.posix_acl_access', 'system.posix_acl_default']);

function differsInContent(from: Entry, to: Entry): boolean {
  switch (from.type) {
    case 'file':
      return from.size !== to.size;
    case 'block':
    case 'char':
      return from.rdev !== to.rdev;
    default:
      return false;
  }
}
