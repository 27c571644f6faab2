/** Names that are free are taken, and no other. */
import { chmodSync, fstatSync, linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { printable, toBytes, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';
import { holdDirectory, type Place } from './beneath.ts';

/**
 * Moves `made`, which nobody else can reach, to a name that must be free. Node has no renameat2(2): a hard link cannot take a name that is there; a directory cannot be
 * renamed onto anything but an empty one. Errors: `failed`; then it is where it was.
 */
export function takeName(made: BytePath, to: Place): void {
  try {
    if (lstatSync(toBytes(to.path), { throwIfNoEntry: false }) !== undefined)
      throw Object.assign(new Error('it exists'), { code: 'EEXIST' });
    if (lstatSync(toBytes(made)).isDirectory()) moveDirectory(made, to.path);
    else moveOther(made, to.path);
  } catch (error) {
    throw asRefusal(to.name, error);
  }
}

/** Who is not root can move only what they may write to: the move changes its `..`. */
function moveDirectory(made: BytePath, to: BytePath): void {
  const held = holdDirectory(made);
  try {
    const mode = fstatSync(held.fd).mode & 0o7777;
    const isMovable = process.geteuid?.() === 0 || (mode & 0o200) !== 0;
    if (!isMovable) chmodSync(toBytes(held.path), mode | 0o200);
    renameSync(toBytes(made), toBytes(to));
    if (!isMovable) chmodSync(toBytes(held.path), mode);
  } finally {
    held.close();
  }
}

function moveOther(made: BytePath, to: BytePath): void {
  try {
    linkSync(toBytes(made), toBytes(to));
    unlinkSync(toBytes(made));
  } catch (error) {
    // vfat and some network filesystems have no hard links. The name was free a moment ago.
    if (errnoOf(error) !== 'EPERM' && errnoOf(error) !== 'ENOTSUP' && errnoOf(error) !== 'ENOSYS') throw error;
    renameSync(toBytes(made), toBytes(to));
  }
}

/** Why the name could not be had, for people. */
export function asRefusal(name: BytePath, error: unknown): RootsError {
  return error instanceof RootsError ? error : new RootsError('failed', describe(name, error), { cause: error });
}

function describe(name: BytePath, error: unknown): string {
  switch (errnoOf(error)) {
    case 'EEXIST':
    case 'ENOTEMPTY':
      return `${printable(name)} appeared meanwhile; it is left as it is`;
    case 'EBUSY':
      return `${printable(name)} is a mount point`;
    default:
      return messageOf(error);
  }
}
