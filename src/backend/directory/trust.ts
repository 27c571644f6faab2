/**
 * Whether a directory is only ours to write to.
 */
import { lstatSync } from 'node:fs';
import { toBytes, type BytePath } from '../../byte-path.ts';

/** A real directory of root's or of ours, in which nobody else can make, remove or rename anything. */
export function isOnlyOurs(path: BytePath): boolean {
  const stats = lstatSync(toBytes(path), { throwIfNoEntry: false });
  return stats?.isDirectory() === true && [0, process.geteuid?.()].includes(stats.uid) && (stats.mode & 0o022) === 0;
}
