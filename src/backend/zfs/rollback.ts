/**
 * Snapshots that the next boot destroys: `zfs rollback -r LIVE@BLANK`, the recipe of most machines, takes all that are newer than the blank with it.
 */
import { printableText } from '../../byte-path.ts';
import type { ArchivedTree } from '../backend.ts';
import { splitSnapshot } from './names.ts';
import type { Scan } from './scan.ts';

/** For people. The recipe cannot be seen; but where the live root is not put aside at each boot, its own blank is there to be rolled back to. */
export function rollbackWarnings({ live, blank, datasets }: Scan, trees: readonly Pick<ArchivedTree, 'isSnapshot'>[]): string[] {
  if (live === null || blank === null || splitSnapshot(blank).of !== live.name) return [];
  const blankIs = datasets.get(blank);
  if (blankIs === undefined || trees.some(({ isSnapshot }) => !isSnapshot)) return [];
  const newer = [...datasets.values()].filter(
    ({ name, type, createdIn }) => type === 'snapshot' && splitSnapshot(name).of === live.name && createdIn > blankIs.createdIn,
  );
  if (newer.length === 0) return [];
  return [
    `${String(newer.length)} snapshots of ${printableText(live.name)} are newer than the blank: \`zfs rollback -r ${printableText(blank)}\` at boot destroys them; keep the blank in a dataset of its own, and clone it`,
  ];
}
