/**
 * One difference between two trees: what the `diff` contract carries.
 */
import type { BytePath } from '../byte-path.ts';

export type EntryType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'block' | 'char' | 'subvolume';

/** What about an entry differs. `type` is alone: nothing else can be compared then. */
export type Aspect = 'content' | 'type' | 'mode' | 'owner' | 'mtime' | 'xattr' | 'acl' | 'target';

export interface Change {
  /** Relative to the compared trees, without a leading slash. */
  readonly path: BytePath;
  readonly kind: 'added' | 'removed' | 'modified' | 'renamed';
  /** Of the entry in `to`; for a removed one, in `from`. */
  readonly type: EntryType;
  /** For `modified` and `renamed`; empty for the others. In the order of `Aspect`. */
  readonly what: readonly Aspect[];
  /** The old path of a renamed entry. */
  readonly from?: BytePath;
  /** Bytes, of a regular file that is not removed. */
  readonly size?: number;
}
