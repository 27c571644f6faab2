/** Patterns as in gitignore(5), which names of any bytes are held against. */
import ignore from 'ignore';
import { fromText, type BytePath } from '../byte-path.ts';

/** The later patterns win; `!` takes back. Paths are relative to the root. */
export function ignoring(patterns: readonly string[]): (path: BytePath, isDirectory: boolean) => boolean {
  const rules = ignore({ ignorecase: false, allowRelativePaths: true }).add(patterns.map((pattern): string => fromText(pattern)));
  return (path, isDirectory) => path !== '' && rules.ignores(isDirectory ? `${path}/` : path);
}
