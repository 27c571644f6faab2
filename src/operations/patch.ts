/** What a change was before and after, for people to read. */
import type { BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import type { Tree } from '../diff/tree.ts';
import type { Contents, FileContent } from '../diff/unified.ts';
import { readContent } from '../system/file-content.ts';
import type { ReadableTrees } from './diff.ts';

/** Nobody reads the changes of a file that is longer. Bytes. */
const MOST = 1 << 20;

/** Null: there is none, or nothing in it has changed. */
export function contentsOf({ kind, type, what, path, from: old }: Change, { from, to }: ReadableTrees): Contents | null {
  const hasContent = type === 'file' || type === 'symlink';
  const isChanged = kind === 'added' || kind === 'removed' || what.includes('content') || what.includes('target');
  if (!hasContent || !isChanged) return null;
  const read = (tree: Tree | null, at: BytePath): FileContent | null => (tree === null ? null : readContent(tree.path, at, MOST));
  return {
    from: kind === 'added' ? null : read(from, old ?? path),
    to: kind === 'removed' ? null : read(to, path),
  };
}
