/**
 * Unit files where systemd reads them, and what can be said of their place.
 */
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { joinPath, parentOf, printable, toBytes, baseName, isWithin, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';
import { withoutLinks } from './links.ts';

export interface PresentFile {
  /** Null if it is no plain file, such as the link of a masked unit. */
  readonly text: string | null;
}

/** What is there now; undefined if nothing is. */
export function readUnitFile(path: BytePath): PresentFile | undefined {
  const stats = lstatSync(toBytes(path), { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return { text: stats.isFile() ? readFileSync(toBytes(path), 'utf8') : null };
}

/** Whole or not at all, readable for all, and still there after a power loss. Errors: `failed`, `not-permitted`. */
export function writeUnitFile(path: BytePath, text: string): void {
  // systemd takes no name that begins with a dot.
  const draft = joinPath(parentOf(path), `.${baseName(path)}.new` as BytePath);
  try {
    rmSync(toBytes(draft), { force: true });
    withFile(draft, 'wx', (file) => {
      writeFileSync(file, text);
      fchmodSync(file, 0o644);
      fsyncSync(file);
    });
    renameSync(toBytes(draft), toBytes(path));
    withFile(parentOf(path), 'r', fsyncSync);
  } catch (error) {
    rmSync(toBytes(draft), { force: true });
    throw refused(`${printable(path)} cannot be written`, error);
  }
}

/** Errors: `failed`, `not-permitted`. */
export function removeUnitFile(path: BytePath): void {
  try {
    unlinkSync(toBytes(path));
    withFile(parentOf(path), 'r', fsyncSync);
  } catch (error) {
    throw refused(`${printable(path)} cannot be removed`, error);
  }
}

function withFile(path: BytePath, flags: string, use: (file: number) => void): void {
  const file = openSync(toBytes(path), flags, 0o600);
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}

function refused(what: string, error: unknown): RootsError {
  const code = errnoOf(error);
  const kind = code === 'EACCES' || code === 'EPERM' ? 'not-permitted' : 'failed';
  return new RootsError(kind, `${what}: ${code === 'EROFS' ? 'it is on a read-only filesystem' : (code ?? messageOf(error))}`, {
    cause: error,
  });
}

/** NixOS makes /etc anew from its configuration, links into its store included. `etc`: /etc. */
export function isMadeByNixOS(etc: BytePath, folder: BytePath): boolean {
  const marks = ['NIXOS', 'static'].map((name) => joinPath(etc, name as BytePath));
  return marks.some((mark) => existsSync(toBytes(mark))) || isWithin(withoutLinks(folder), '/nix/store' as BytePath);
}

/** The first of a file and the directories that it is in that others than root could replace; null if none is. Errors: none. */
export function replaceableByOthers(path: BytePath): BytePath | null {
  const real = withoutLinks(path);
  const steps = real.split('/').map((_, at, names) => (names.slice(0, at + 1).join('/') || '/') as BytePath);
  return steps.find(isOthers) ?? null;
}

/** Of a sticky directory only owners may take something out. */
function isOthers(path: BytePath): boolean {
  const stats = lstatSync(toBytes(path), { throwIfNoEntry: false });
  return stats !== undefined && (stats.uid !== 0 || ((stats.mode & 0o022) !== 0 && !(stats.isDirectory() && (stats.mode & 0o1000) !== 0)));
}
