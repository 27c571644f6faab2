/**
 * Sizes by du(1), where the filesystem keeps no account.
 */
import { printableText, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { Run } from '../system/run.ts';

/** Bytes on the disk of each tree, in this order. Each is counted for itself (`-l`): a file that two of them hard-link is in both. */
export async function diskUsage(run: Run, paths: readonly BytePath[], signal: AbortSignal): Promise<number[]> {
  if (paths.length === 0) return [];
  const result = await run('du', ['-sxl0', '--block-size=1', '--', ...paths.map((path) => ({ path }))], { signal });
  const sizes = result.stdout
    .toString('latin1')
    .split('\0')
    .map((line) => Number(line.split('\t', 1)[0]));
  if (sizes.length !== paths.length + 1) throw new RootsError('failed', `sizes cannot be measured: ${printableText(result.stderr)}`);
  return sizes.slice(0, -1);
}
