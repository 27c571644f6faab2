/** How large trees are. */
import { readdirSync } from 'node:fs';
import { joinPath, toBytes, type BytePath } from '../byte-path.ts';
import type { Run } from './run.ts';

export interface TreeSize {
  /** But for the directory itself. */
  readonly entries: number;
  /** As the sizes of its files say; a file with several names counts once for each. */
  readonly bytes: number;
}

/** What cannot be read is not counted. Errors: `interrupted`; `unsupported` without find(1). */
export async function measureTree(run: Run, path: BytePath, signal: AbortSignal): Promise<TreeSize> {
  let [entries, bytes] = [0, 0];
  let rest = '';
  await run('find', [{ path }, '-mindepth', '1', '-printf', '%y %s\\n'], {
    signal,
    output: (piece) => {
      const lines = (rest + piece.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      entries += lines.length;
      for (const line of lines) if (line.startsWith('f ')) bytes += Number(line.slice(2));
    },
  });
  return { entries, bytes };
}

/** Found out by looking at no more of it than that takes. Directories that cannot be read count as empty; links are not followed. */
export function hasMoreEntriesThan(count: number, path: BytePath): boolean {
  const ahead: BytePath[] = [path];
  let found = 0;
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    const entries = entriesOf(next);
    found += entries.length;
    if (found > count) return true;
    for (const entry of entries) if (entry.isDirectory()) ahead.push(joinPath(next, entry.name as BytePath));
  }
  return false;
}

function entriesOf(path: BytePath): { readonly name: string; isDirectory(): boolean }[] {
  try {
    return readdirSync(toBytes(path), { encoding: 'latin1', withFileTypes: true });
  } catch {
    return [];
  }
}
