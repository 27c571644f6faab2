/**
 * Directories that only we can enter, in which something is made before it gets its name beside them.
 *
 * Whoever owns the directory around one can move it about, but not get into it, and all names are resolved from directories that are held open; so nothing that
 * they do can make what is in it land elsewhere.
 */
import { randomBytes } from 'node:crypto';
import { constants, closeSync, fchmodSync, fstatSync, mkdirSync, openSync, readdirSync, rmdirSync } from 'node:fs';
import { fromText, joinPath, toBytes, type BytePath } from '../byte-path.ts';
import { RootsError, errnoOf } from '../errors.ts';
import { holdRealDirectory, type HeldDirectory } from './beneath.ts';
import type { Run } from './run.ts';

const STAGING = /^\.roots-restore-(\d+)-[0-9a-f]{12}$/;
const MADE = fromText('copy');
const SPARE = fromText('link');

/** Two names in it that are free at first. Nothing of what has them when the work ends is kept. */
export interface StagingNames {
  /** Of what is made. */
  readonly made: BytePath;
  /** Of what something in it is to be replaced with. */
  readonly spare: BytePath;
}

/** Makes one in `directory` for as long as the work takes. After a kill it stays behind, until `sweepStaging`. Errors: `failed`, and those of the work. */
export async function inStaging<T>(run: Run, directory: HeldDirectory, work: (names: StagingNames) => Promise<T>): Promise<T> {
  const staging = makeStaging(directory);
  try {
    return await work({ made: joinPath(staging.held.path, MADE), spare: joinPath(staging.held.path, SPARE) });
  } finally {
    await removeStaging(run, directory, staging);
  }
}

/**
 * Removes those in `directory` that runs of ours left behind when they were killed. Whoever owns `directory` can call others so: what is none of ours stays.
 */
export async function sweepStaging(run: Run, directory: HeldDirectory): Promise<void> {
  for (const name of namesIn(directory).filter(isAbandoned)) {
    const held = holdRealDirectory(joinPath(directory.path, name));
    if (held === null) continue;
    try {
      if (!isStaging(held)) continue;
      await empty(run, held);
    } finally {
      held.close();
    }
    removeIfEmpty(joinPath(directory.path, name));
  }
}

function isStaging({ fd, path }: HeldDirectory): boolean {
  const { uid, mode } = fstatSync(fd);
  return (
    uid === process.geteuid?.() &&
    (mode & 0o777) === 0o700 &&
    readdirSync(toBytes(path), { encoding: 'latin1' }).every((name) => name === MADE || name === SPARE)
  );
}

async function empty(run: Run, { path }: HeldDirectory): Promise<void> {
  await run('rm', ['-rf', '--one-file-system', '--', ...[MADE, SPARE].map((name) => ({ path: joinPath(path, name) }))]);
}

function namesIn(directory: HeldDirectory): BytePath[] {
  try {
    return readdirSync(toBytes(directory.path), { encoding: 'latin1' }) as BytePath[];
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return [];
    throw error;
  }
}

function isAbandoned(name: BytePath): boolean {
  const pid = STAGING.exec(name)?.[1];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}

interface Staging {
  readonly name: BytePath;
  readonly held: HeldDirectory;
}

function makeStaging(directory: HeldDirectory): Staging {
  // Nobody can take the name before us that nobody can foresee.
  const name = fromText(`.roots-restore-${String(process.pid)}-${randomBytes(6).toString('hex')}`);
  const path = toBytes(joinPath(directory.path, name));
  mkdirSync(path, { mode: 0o700 });
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const stats = fstatSync(fd);
  // Between the two calls somebody who owns the directory could have put another one there.
  if (stats.uid !== process.geteuid?.() || readdirSync(path).length > 0) {
    closeSync(fd);
    throw new RootsError('failed', 'the staging directory was exchanged by somebody else; nothing was restored');
  }
  // A default ACL or the set-group-ID bit of the directory around it could have opened it to others.
  fchmodSync(fd, 0o700);
  return {
    name,
    held: {
      fd,
      path: fromText(`/proc/${String(process.pid)}/fd/${String(fd)}`),
      close: () => {
        closeSync(fd);
      },
    },
  };
}

async function removeStaging(run: Run, directory: HeldDirectory, { name, held }: Staging): Promise<void> {
  if (readdirSync(toBytes(held.path)).length > 0) await empty(run, held);
  held.close();
  removeIfEmpty(joinPath(directory.path, name));
}

function removeIfEmpty(path: BytePath): void {
  try {
    rmdirSync(toBytes(path));
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
  }
}
