/**
 * One difference between two trees: what the `diff` contract carries.
 */
import { jsonName, type BytePath } from '../byte-path.ts';

export type EntryType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'block' | 'char' | 'subvolume';

/** What about an entry differs. `type` is alone: nothing else can be compared then. */
export type Aspect = 'content' | 'type' | 'mode' | 'owner' | 'mtime' | 'xattr' | 'acl' | 'target';

/** The order in which `what` lists them. */
export const ASPECTS: readonly Aspect[] = ['content', 'type', 'mode', 'owner', 'mtime', 'xattr', 'acl', 'target'];

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
  /** Which part of the owner has changed, if `what` has it: not in the contract. */
  readonly ownership?: { readonly user: boolean; readonly group: boolean };
  /** Of what is added or removed, where the comparison knows it: not for people. */
  readonly inode?: bigint;
}

/** A change in the JSON contract: names that are not UTF-8 are there as base64 too, a size that there is not is null. */
export interface ChangeJson {
  readonly path: string;
  readonly pathBase64?: string;
  readonly kind: Change['kind'];
  readonly type: EntryType;
  readonly what: readonly Aspect[];
  readonly from?: string;
  readonly fromBase64?: string;
  readonly size: number | null;
}

export function toJson(change: Change): ChangeJson {
  const { path, kind, type, what, from, size } = change;
  return {
    ...jsonName('path', path),
    kind,
    type,
    what,
    ...(from === undefined ? {} : jsonName('from', from)),
    size: size ?? null,
  };
}
