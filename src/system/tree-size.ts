/** Whether a tree is large, found out by looking at no more of it than that takes. */
import { readdirSync } from 'node:fs';
import { joinPath, toBytes, type BytePath } from '../byte-path.ts';

/** Directories that cannot be read count as empty; links are not followed. */
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
