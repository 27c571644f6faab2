/**
 * The flags of chattr(1) that stand in the way of a removal. Node has no ioctl(2), so lsattr(1) and chattr(1) do it.
 */
import type { BytePath } from '../byte-path.ts';
import type { Run } from './run.ts';

/** Those of immutable (`i`) and append-only (`a`) that are set; none if the filesystem has no such flags. */
export async function blockingFlags(run: Run, path: BytePath): Promise<string[]> {
  const result = await run('lsattr', ['-d', '--', { path }]);
  if (result.status !== 0) return [];
  // `----i---------e------- /path`: the letters come first and hold no space.
  const letters = result.stdout.toString('latin1').split(' ', 1)[0] ?? '';
  return ['i', 'a'].filter((flag) => letters.includes(flag));
}

/** Clears those flags of one file or directory. Returns the ones it cleared. */
export async function clearBlockingFlags(run: Run, path: BytePath): Promise<string[]> {
  const flags = await blockingFlags(run, path);
  if (flags.length === 0) return [];
  const result = await run('chattr', [`-${flags.join('')}`, '--', { path }]);
  return result.status === 0 ? flags : [];
}

/** Sets flags again that `clearBlockingFlags` has cleared. */
export async function setFlags(run: Run, path: BytePath, flags: readonly string[]): Promise<void> {
  await run('chattr', [`+${flags.join('')}`, '--', { path }]);
}

/** Clears them in a whole tree. chattr(1) ignores the symbolic links that it meets; the caller has made sure that nothing is mounted in it. */
export async function clearBlockingFlagsBelow(run: Run, path: BytePath): Promise<void> {
  await run('chattr', ['-R', '-f', '-ia', '--', { path }]);
}

/** For people: `immutable`, `append-only`, or both. */
export function nameFlags(flags: readonly string[]): string {
  return flags.map((flag) => (flag === 'i' ? 'immutable' : 'append-only')).join(' and ');
}
