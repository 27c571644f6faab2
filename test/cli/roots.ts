/**
 * Runs the real program as a user would, with an environment that says nothing about whoever runs the tests, and looks for what it left behind.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { toBytes, type BytePath } from '../../src/byte-path.ts';
import { loopDevicesBelow, mountTable } from '../support/scratch.ts';

export const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export interface Result {
  /** Null if a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** The same, as it was written. */
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
  /** Standard output, which must be one JSON document. */
  readonly json: unknown;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly uid?: number;
  /** In a mount namespace of its own in which no btrfs is mounted but this device's (`none`: none at all), as far as that can be. */
  readonly onlyBtrfs?: string;
  /** A program, with its arguments, that becomes the command that follows. */
  readonly within?: readonly string[];
  /** Called when it runs, to send it a signal. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** An argument is text, or bytes that need not be UTF-8. */
export type Argument = string | BytePathArgument;
export interface BytePathArgument {
  readonly bytes: BytePath;
}

/** Runs it to its end, without a terminal, and expects that it left no process behind. */
export async function roots(args: readonly Argument[], options: RunOptions = {}): Promise<Result> {
  const started = startRoots(args, options);
  options.onStart?.(started.child);
  return started.end;
}

export interface Started {
  readonly child: ChildProcess;
  readonly end: Promise<Result>;
}

export function startRoots(args: readonly Argument[], options: RunOptions = {}): Started {
  const mark = randomUUID();
  const [program = '', ...rest] = commandLine(args, options);
  const child = spawn(program, rest, {
    cwd: options.cwd ?? '/',
    env: environment(mark, options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  return { child, end: ending(child, mark) };
}

async function ending(child: ChildProcess, mark: string): Promise<Result> {
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout?.on('data', (data: Buffer) => output.stdout.push(data));
  child.stderr?.on('data', (data: Buffer) => output.stderr.push(data));
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...how) => {
      resolve(how);
    });
  });
  await expectNoProcess(mark, signal !== null);
  const stdoutBytes = Buffer.concat(output.stdout);
  const stdout = stdoutBytes.toString('utf8');
  const result = { status, signal, stdout, stdoutBytes, stderr: Buffer.concat(output.stderr).toString('utf8') };
  // Not enumerable: what shows a result must not parse it.
  return Object.defineProperty(result, 'json', { get: (): unknown => JSON.parse(stdout) as unknown }) as Result;
}

/** Nothing of the user's: no configuration, no colours, no home. The mark is inherited by every process that is started. */
export function environment(mark: string, more: RunOptions['env'] = {}): NodeJS.ProcessEnv {
  const home = '/nonexistent/roots-test-home';
  const own = {
    PATH: process.env['PATH'],
    TMPDIR: process.env['TMPDIR'],
    ROOTS_TEST_MARK: mark,
    HOME: home,
    XDG_CONFIG_HOME: `${home}/config`,
    XDG_CACHE_HOME: `${home}/cache`,
    XDG_DATA_HOME: `${home}/data`,
    XDG_STATE_HOME: `${home}/state`,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    TERM: 'xterm-256color',
    ...more,
  };
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

/** A script: unmounts every btrfs but those of the device $1, then becomes the command that follows. A root on btrfs stays, it is in use. */
export const KEEP_ONE_BTRFS = `keep=$1; shift
findmnt --raw --noheadings --types btrfs --output SOURCE,TARGET | while read -r source target; do
  case $source in "$keep" | "$keep["*) ;; *) umount --lazy -- "$target" 2>/dev/null ;; esac
done
exec "$@"`;

function commandLine(args: readonly Argument[], { onlyBtrfs, within }: RunOptions): string[] {
  const command = [process.execPath, PROGRAM];
  const prefix = onlyBtrfs === undefined ? (within ?? []) : ['unshare', '--mount', '--', 'sh', '-c', KEEP_ONE_BTRFS, 'sh', onlyBtrfs];
  if (args.every((argument) => typeof argument === 'string')) return [...prefix, ...command, ...(args as string[])];
  // Node passes arguments as UTF-8 only; a shell makes the very bytes. What ends in a newline would lose it.
  const words = args.map((argument) => (typeof argument === 'string' ? quoted(argument) : `"$(printf '${octal(argument.bytes)}')"`));
  return [...prefix, 'sh', '-c', `exec "$@" ${words.join(' ')}`, 'sh', ...command];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function octal(path: BytePath): string {
  return [...toBytes(path)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

/** What it starts goes with it; after a kill that takes a moment. */
async function expectNoProcess(mark: string, wasKilled: boolean): Promise<void> {
  const patience = wasKilled ? 250 : 25;
  for (let tries = 0; ; tries += 1) {
    const left = processesWith(mark);
    if (left.length === 0) return;
    if (tries >= patience) expect(left, 'processes that are left behind').toEqual([]);
    await sleep(20);
  }
}

export function processesWith(mark: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`ROOTS_TEST_MARK=${mark}`);
    } catch {
      return false;
    }
  });
}

/** What is mounted of a device, and the loop devices of a folder: to be compared with itself. What is private to a process goes with it. */
export function traces(device: string, folder: string): string[] {
  const mounts = mountTable().filter(({ source }) => source === (device as BytePath));
  return [
    ...mounts.map(({ at, root }) => `${root} at ${at}`),
    ...loopDevicesBelow(folder).map((loop) => `${loop.device} ${loop.file}`),
  ].sort();
}

/** A configuration file in the scratch directory of a fixture that names the fixture's own device. */
export function writeConfig(archive: { readonly scratch: string; readonly device: string }, rules: string, name = 'roots.toml'): string {
  const file = join(archive.scratch, name);
  const target = `[targets.root]\ndevice = "${archive.device}"\nlive = "root"\nblank = "root-blank"\narchive = "old_roots"\n`;
  writeFileSync(file, `${target}${rules}\n`);
  return file;
}

/** The same for plain directories. */
export function writeDirectoryConfig(archive: Readonly<Record<'path' | 'live' | 'blank' | 'archive', string>>, rules: string): string {
  const file = join(archive.path, 'roots.toml');
  const target = `[targets.root]\nbackend = "directory"\nlive = "${archive.live}"\nblank = "${archive.blank}"\narchive = "${archive.archive}"\n`;
  writeFileSync(file, `${target}${rules}\n`);
  return file;
}
