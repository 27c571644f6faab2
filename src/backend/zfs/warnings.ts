/**
 * What people should know of an archive on ZFS before it costs them something.
 */
import { printableText } from '../../byte-path.ts';
import type { ArchivedTree } from '../backend.ts';
import { datasetOf, isSnapshot, lastPart, splitSnapshot } from './names.ts';
import { partsOf, type Scan } from './scan.ts';

/**
 * Snapshots that the next boot destroys: `zfs rollback -r LIVE@BLANK`, the recipe of most machines, takes all that are newer than the blank with
 * it. The recipe cannot be seen; but where the live root is not put aside at each boot, its own blank is there to be rolled back to.
 */
export function rollbackWarnings({ live, blank, datasets }: Scan, trees: readonly Pick<ArchivedTree, 'isSnapshot'>[]): string[] {
  if (live === null || blank === null || splitSnapshot(blank).of !== live.name) return [];
  const blankIs = datasets.get(blank);
  if (blankIs === undefined || trees.some((tree) => !tree.isSnapshot)) return [];
  const newer = [...datasets.values()].filter(
    ({ name, type, createdIn }) => type === 'snapshot' && splitSnapshot(name).of === live.name && createdIn > blankIs.createdIn,
  );
  if (newer.length === 0) return [];
  return [
    `${String(newer.length)} snapshots of ${printableText(live.name)} are newer than the blank: \`zfs rollback -r ${printableText(blank)}\` at boot destroys them; keep the blank in a dataset of its own, and clone it`,
  ];
}

/** What is mounted to read an old root is that filesystem alone; what it removes is all of it. */
export function warningsOfNested(now: Scan, trees: readonly Pick<ArchivedTree, 'name'>[]): string[] {
  const nested = trees.flatMap(({ name }) => {
    const [, ...inner] = partsOf(now, datasetOf(now.places, name) ?? '');
    return isSnapshot(name) ? [] : inner.filter((part) => !isSnapshot(part.name)).map((part) => lastPart(part.name));
  });
  if (nested.length === 0) return [];
  const names = [...new Set(nested)].map((name) => printableText(name));
  return [
    `some old roots have filesystems below them (${names.join(', ')}), which go with them and are not looked into; to see one, mount it yourself`,
  ];
}

/** Where the live root is put aside at each boot its snapshots go with it, and are those of an old root then: no slots, and not listed. */
export function warningsOfLeaving({ live, places: { archive } }: Scan, trees: readonly Pick<ArchivedTree, 'isSnapshot'>[]): string[] {
  const snapshots = trees.filter(({ isSnapshot: is }) => is).length;
  if (live === null || archive === null || snapshots === 0 || snapshots === trees.length) return [];
  const what = snapshots === 1 ? '1 snapshot' : `${String(snapshots)} snapshots`;
  return [
    `${what} of ${printableText(live.name)} will be in the old root, and not listed any more, when the next boot puts it into ${printableText(archive)}`,
  ];
}
