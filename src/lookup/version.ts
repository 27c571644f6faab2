/** What makes two states of a path two versions. A time alone does not. */
import type { Aspect, EntryType } from '../diff/change.ts';
import { ASPECTS } from '../diff/change.ts';
import { compareXattrs } from '../diff/compare.ts';
import type { Entry, Xattrs } from '../diff/tree.ts';

export interface State {
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: bigint;
  readonly gid: bigint;
  /** Equal if and only if what is in it is: of a file its bytes, of a directory its names, of a link where it leads, of a device which one. */
  readonly content: string;
  /** Null: they were not read. */
  readonly xattrs: Xattrs | null;
}

/**
 * What is equal here is the same thing unchanged: a snapshot has all of it from its source, the time at which it was made too, and no program can set the time of
 * change. Never the device, nor the inode alone: on bcachefs both are the same in files that differ. `born`: 0 if it is not known.
 */
export function identityOf({ type, ino, size, mtimeNs, ctimeNs }: Entry, born: bigint): string {
  return [type, ino, born, size, mtimeNs, ctimeNs].join(' ');
}

/** Equal for states that are one version. */
export function fingerprintOf({ type, mode, uid, gid, content, xattrs }: State): string {
  const attributes = xattrs === null ? [] : [...xattrs].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([type, type === 'symlink' ? 0 : mode, String(uid), String(gid), content, attributes]);
}

/** Empty if they are one version. */
export function changesBetween(from: State, to: State): readonly Aspect[] {
  if (from.type !== to.type) return ['type'];
  const what = new Set<Aspect>(from.xattrs === null || to.xattrs === null ? [] : compareXattrs(from.xattrs, to.xattrs));
  if (from.content !== to.content) what.add(to.type === 'symlink' ? 'target' : 'content');
  if (from.mode !== to.mode && to.type !== 'symlink') what.add('mode');
  if (from.uid !== to.uid || from.gid !== to.gid) what.add('owner');
  return ASPECTS.filter((aspect) => what.has(aspect));
}
