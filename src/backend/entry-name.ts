/**
 * What the names in an archive say that are ours: a tree in the trash, and one on its way out. The name holds all that must be known of it, so
 * that one rename says it at once, whatever happens next. They stay in the archive's own directory: a read-only subvolume cannot be moved to
 * another one (EROFS), and a rename in place needs no space that a full disk may not have.
 */
import { fromText, type BytePath } from '../byte-path.ts';

export type EntryName =
  | { readonly kind: 'plain' }
  | { readonly kind: 'trashed'; readonly formerName: BytePath; readonly at: Date }
  /** The former name may be cut. `isWhole`: nothing of it is deleted yet. */
  | { readonly kind: 'removing'; readonly formerName: BytePath; readonly isWhole: boolean };

/** The dots of a time would make two. */
const TRASHED = /^\.roots-trash\.(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z\.([^]+)$/;
const REMOVING = /^\.roots-(removing|deleting)\.\d+\.([^]+)$/;

/** NAME_MAX of Linux, in bytes. */
export const LONGEST_NAME = 255;

export function parseEntryName(name: BytePath): EntryName {
  const trashed = TRASHED.exec(name);
  if (trashed !== null) {
    const [year, month, day, hour, minute, second] = trashed.slice(1, 7).map(Number) as [number, number, number, number, number, number];
    return { kind: 'trashed', formerName: trashed[7] as BytePath, at: new Date(Date.UTC(year, month - 1, day, hour, minute, second)) };
  }
  const removing = REMOVING.exec(name);
  if (removing === null) return { kind: 'plain' };
  return { kind: 'removing', formerName: removing[2] as BytePath, isWhole: removing[1] === 'removing' };
}

type IsTaken = (name: BytePath) => Promise<boolean>;

/** Undefined if the name would be too long to be had back. `isTaken`: two of one name in one second are a second apart. */
export async function trashName(name: BytePath, at: Date, isTaken: IsTaken, longest = LONGEST_NAME): Promise<BytePath | undefined> {
  for (let time = at.getTime(); ; time += 1000) {
    const stamp = new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
    const entry = `${fromText(`.roots-trash.${stamp}.`)}${name}` as BytePath;
    if (entry.length > longest) return undefined;
    if (!(await isTaken(entry))) return entry;
  }
}

/** Of a tree that is about to be deleted, and is whole. */
export async function removingName(name: BytePath, isTaken: IsTaken, longest = LONGEST_NAME): Promise<BytePath> {
  return numbered('.roots-removing', name, isTaken, longest);
}

/** Of a tree of which something is deleted already, or in the next moment. */
export async function deletingName(name: BytePath, isTaken: IsTaken, longest = LONGEST_NAME): Promise<BytePath> {
  return numbered('.roots-deleting', name, isTaken, longest);
}

async function numbered(prefix: string, name: BytePath, isTaken: IsTaken, longest: number): Promise<BytePath> {
  for (let number = 0; ; number += 1) {
    const entry = `${fromText(`${prefix}.${String(number)}.`)}${name}`.slice(0, longest) as BytePath;
    if (!(await isTaken(entry))) return entry;
  }
}
