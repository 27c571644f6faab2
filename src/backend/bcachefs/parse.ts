/**
 * What bcachefs and its programs say, as values. Pure.
 */
import { printableText } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import type { FileHandle } from '../../system/file-handle.ts';

/** What a program says of EPERM: a flag of the subvolume itself (bcachefs-tools 1.13, Linux 6.12). */
export const NOT_PERMITTED = 'Operation not permitted';

/** FILEID_BCACHEFS_WITHOUT_PARENT, that of every directory (fs/vfs/fs.c in bcachefs-tools; Linux 6.7 to 6.17). */
const DIRECTORY_HANDLE = 0xb1;
const HANDLE_BYTES = 16;

export interface Inode {
  /** Of the subvolume that it is in. After a subvolume is gone another may get its number. */
  readonly subvolume: number;
  /** The same in a subvolume and in its snapshots. */
  readonly inum: bigint;
  readonly generation: number;
}

/** struct bcachefs_fid: 64 bits, 32 bits and 32 bits, in the order of the machine. Null if it is none of bcachefs'. */
export function parseHandle({ type, bytes }: FileHandle, isLittleEndian: boolean): Inode | null {
  if (type !== DIRECTORY_HANDLE) return null;
  if (bytes.length !== HANDLE_BYTES)
    throw new RootsError(
      'unsupported',
      `a file handle of bcachefs has ${String(bytes.length)} bytes in this kernel, which is not understood`,
    );
  return isLittleEndian
    ? { inum: bytes.readBigUInt64LE(0), subvolume: bytes.readUInt32LE(8), generation: bytes.readUInt32LE(12) }
    : { inum: bytes.readBigUInt64BE(0), subvolume: bytes.readUInt32BE(8), generation: bytes.readUInt32BE(12) };
}

/**
 * Why a call of bcachefs(8) failed, safe to print. It says `Error: Failed to delete the subvolume`, an empty line, `Caused by:`, and that on a
 * line of its own (1.13).
 */
export function wordsOf({ status, stderr }: { readonly status: number; readonly stderr: string }): string {
  const last = stderr.split('\n').findLast((line) => line.trim() !== '') ?? '';
  const words = last.trim().replace(/^(?:Error: |\d+: )/, '');
  return words === '' ? `bcachefs ended with status ${String(status)}` : printableText(words);
}

const ANSWERS = new Map([
  ['Read-only file system', true],
  ['No such attribute', false],
  ['No data available', false],
]);

/**
 * Of each path, whether it is read-only; undefined if that was not told. `stderr`: of `setfattr -x` of an attribute that is not there (attr 2.5), decoded as
 * UTF-8: `setfattr: PATH: WHY`, in the order of the paths, of which line breaks and carriage returns are written in octal.
 */
export function parseProbe(stderr: string, paths: readonly Uint8Array[]): (boolean | undefined)[] {
  let rest = `${stderr}\n`;
  return paths.map((path) => {
    const head = `setfattr: ${Buffer.from(path).toString('utf8').replaceAll('\n', '\\012').replaceAll('\r', '\\015')}: `;
    if (!rest.startsWith(head)) return undefined;
    const end = rest.indexOf('\n', head.length);
    const why = rest.slice(head.length, end);
    rest = rest.slice(end + 1);
    return ANSWERS.get(why);
  });
}
