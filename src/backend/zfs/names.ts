/**
 * Entries of an archive on ZFS and the names of datasets. A dataset below the archive has the last part of its name; a snapshot of the live root has
 * its own after an `@`, which comes before the former name where it has a name of ours: `.roots-trash.TIME.@NAME` is `LIVE@.roots-trash.TIME.NAME`.
 *
 * Names of datasets are ASCII: letters, digits and `-_.: ` (zfs(8), COMPONENT NAMES), and `/` and `@` between the parts.
 */
import { fromText, toText, type BytePath } from '../../byte-path.ts';
import { parseEntryName } from '../entry-name.ts';
import { formerNameOf } from '../set-aside.ts';

/** Where old roots are: datasets directly below `archive`, and snapshots of `live`. */
export interface Places {
  readonly live: string | null;
  readonly archive: string | null;
}

/** Undefined if there is no such place. */
export function datasetOf({ live, archive }: Places, entry: BytePath): string | undefined {
  const former = toText(formerNameOf({ name: entry }));
  const text = toText(entry);
  if (!former.startsWith('@')) return archive === null ? undefined : `${archive}/${text}`;
  return live === null ? undefined : `${live}@${text.slice(0, text.length - former.length)}${former.slice(1)}`;
}

/** `name`: what follows the `@`. */
export function entryOfSnapshot(name: string): BytePath {
  const entry = parseEntryName(fromText(name));
  const former = entry.kind === 'plain' ? name : toText(entry.formerName);
  return fromText(`${name.slice(0, name.length - former.length)}@${former}`);
}

export function isSnapshot(dataset: string): boolean {
  return dataset.includes('@');
}

/** Of a snapshot, the filesystem that it is of and what follows the `@`. */
export function splitSnapshot(snapshot: string): { readonly of: string; readonly name: string } {
  const at = snapshot.indexOf('@');
  return { of: snapshot.slice(0, at), name: snapshot.slice(at + 1) };
}

/** Of a snapshot, what it is of; a filesystem is its own. */
export function filesystemOf(dataset: string): string {
  return isSnapshot(dataset) ? splitSnapshot(dataset).of : dataset;
}

export function poolOf(dataset: string): string {
  return dataset.split(/[/@]/, 1).join('');
}

export function parentOfDataset(dataset: string): string | null {
  const at = dataset.lastIndexOf('/');
  return at === -1 ? null : dataset.slice(0, at);
}

export function lastPart(dataset: string): string {
  return dataset.slice(dataset.lastIndexOf('/') + 1);
}

/** Whether a filesystem or snapshot is this one, below it, or a snapshot of those. */
export function isPartOf(dataset: string, whole: string): boolean {
  if (dataset === whole || dataset.startsWith(`${whole}/`) || dataset.startsWith(`${whole}@`)) return true;
  // A snapshot of a filesystem with others below it is one of each, by the same name.
  if (!isSnapshot(whole) || !isSnapshot(dataset)) return false;
  const [part, all] = [splitSnapshot(dataset), splitSnapshot(whole)];
  return part.name === all.name && part.of.startsWith(`${all.of}/`);
}

/** Where a part lies in the whole: the path below it, without the snapshot. */
export function pathWithin(dataset: string, whole: string): BytePath {
  const bare = (name: string): string => name.split('@', 1).join('');
  return fromText(bare(dataset).slice(bare(whole).length + 1));
}
