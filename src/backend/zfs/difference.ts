/** What `zfs diff -FHt` prints (zfs-diff(8)): `ctime TAB change TAB type TAB path`, then a new path or a number of links. */
import { fromBytes, type BytePath } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';

export interface Difference {
  readonly change: 'added' | 'removed' | 'modified' | 'renamed';
  readonly isDirectory: boolean;
  /** Absolute, below the mount point of the newer filesystem, whichever tree it is in. */
  readonly path: BytePath;
  /** Of what was renamed. */
  readonly newPath: BytePath | null;
}

const CHANGES: Readonly<Record<string, Difference['change']>> = { '+': 'added', '-': 'removed', M: 'modified', R: 'renamed' };

/** Errors: `failed` for a line that is not understood. */
export function parseDifference(output: Buffer): Difference[] {
  return fromBytes(output)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, sign = '', type = '', path = '', last] = line.split('\t');
      const change = CHANGES[sign];
      if (
        change === undefined ||
        !/^[BC/>|@P=F]$/.test(type) ||
        !path.startsWith('/') ||
        (change === 'renamed') !== (last?.startsWith('/') ?? false)
      )
        throw new RootsError('failed', `a line of what zfs diff prints is not understood: ${JSON.stringify(line)}`);
      return {
        change,
        isDirectory: type === '/',
        path: unescaped(path),
        newPath: change === 'renamed' && last !== undefined ? unescaped(last) : null,
      };
    });
}

/** A backslash, a nought and three octal digits are one byte. */
function unescaped(text: string): BytePath {
  return text.replaceAll(/\\0([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) as BytePath;
}
