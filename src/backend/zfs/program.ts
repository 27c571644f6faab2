/**
 * zfs(8) and zpool(8): how they are called, and what their errors mean. The wordings are those of OpenZFS 2.3 with LC_ALL=C; test/vm proves each against the
 * real programs.
 */
import { readFileSync } from 'node:fs';
import { printableText } from '../../byte-path.ts';
import { RootsError } from '../../errors.ts';
import type { Run, RunResult } from '../../system/run.ts';
import { COLUMNS, parseDatasets, type Dataset } from './parse.ts';

export const MISSING = /dataset does not exist|no such pool|could not find any snapshots/;
export const TAKEN = /dataset already exists/;
const NOT_PERMITTED = /permission denied|must be run as root|Operation not permitted/i;
const READ_ONLY = 'pool is read-only';
const NOT_LOADED = /modules cannot be auto-loaded|module is not loaded|\/dev\/zfs/;

/** Starts one. Errors: `unsupported` if it is not installed. */
export async function zfs(run: Run, args: readonly string[]): Promise<RunResult> {
  return run('zfs', args);
}

/** The same, where a failure is an error. `what`: what could not be done, for people. */
export async function mustZfs(run: Run, args: readonly string[], what: string): Promise<RunResult> {
  const result = await zfs(run, args);
  if (result.status !== 0) throw zfsError(result, what);
  return result;
}

export function zfsError({ status, stderr }: Pick<RunResult, 'status' | 'stderr'>, what: string): RootsError {
  const said = wordsOf({ status, stderr });
  const message = `${what}: ${said}`;
  if (NOT_LOADED.test(stderr) && !NOT_PERMITTED.test(stderr))
    return new RootsError('unsupported', message, { hint: 'load the module of ZFS for this kernel (modprobe zfs)' });
  if (NOT_PERMITTED.test(stderr))
    return new RootsError('not-permitted', message, { hint: 'run it as root (sudo), or have it allowed for you, see zfs-allow(8)' });
  if (MISSING.test(stderr)) return new RootsError('not-found', message, { hint: 'see `zfs list`; a pool must be imported' });
  if (stderr.includes(READ_ONLY))
    return new RootsError('failed', message, { hint: 'import the pool for writing to change anything in it' });
  return new RootsError('failed', message);
}

/** The first line that the program said, safe to print. */
export function wordsOf({ status, stderr }: Pick<RunResult, 'status' | 'stderr'>): string {
  const [first = ''] = stderr.split('\n');
  return first === '' ? `zfs ended with status ${String(status)}` : printableText(first);
}

/** All that is below these, themselves included, with its snapshots. Errors: `not-found` if one is missing. */
export async function listDatasets(run: Run, names: readonly string[]): Promise<Dataset[]> {
  const args = ['list', '-Hp', '-t', 'filesystem,snapshot,volume', '-o', COLUMNS.join(','), '-r', ...names];
  const { stdout } = await mustZfs(run, args, 'old roots on ZFS cannot be listed');
  // One may be below another.
  return [...new Map(parseDatasets(stdout).map((each) => [each.name, each])).values()];
}

/** `zfs rename -u` came with 2.1. */
const OLDEST = [2, 1] as const;

/**
 * Errors: `unsupported` if the module is older than 2.1; `failed` if the pool is suspended, since then every program that asks for it waits for ever.
 * What cannot be told is left to the programs.
 */
export function requireUsable(pool: string): void {
  const [major = 0, minor = 0] = readIfThere('/sys/module/zfs/version')?.split(/[.-]/).map(Number) ?? OLDEST;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw new RootsError('unsupported', `ZFS ${String(major)}.${String(minor)} is too old`, { hint: 'roots needs OpenZFS 2.1 or newer' });
  if (readIfThere(`/proc/spl/kstat/zfs/${pool}/state`)?.trim() === 'SUSPENDED')
    throw new RootsError('failed', `the pool ${printableText(pool)} is suspended, as its disks do not answer`, {
      hint: 'see `zpool status`, then `zpool clear`',
    });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
