/** Other processes that the suite needs: in other mount namespaces, holding locks, to be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Location } from '../../src/backend/backend.ts';
import { mountTable, type MountEntry } from '../support/scratch.ts';

export interface Task {
  readonly location: Location;
  readonly action: 'lock' | 'open' | 'remove' | 'tour';
  readonly names?: readonly string[];
  /** `remove`: the process kills itself right after it has started this many programs. */
  readonly killAfter?: number;
}

export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  /** All that it wrote so far. */
  output(): string;
  /** Kills it, if it is still there, and waits. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  readonly gone: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** What was made of actor.ts, where there are no sources. */
const { ROOTS_TEST_ACTOR: BUILT } = process.env;

/** Arguments for Node. */
export function actorCommand(task: Task): string[] {
  const program = BUILT === undefined ? ['--import', 'tsx', fileURLToPath(new URL('./actor.ts', import.meta.url))] : [BUILT];
  return [...program, JSON.stringify(task)];
}

export function startActor(task: Task): Started {
  return start(process.execPath, actorCommand(task));
}

export function start(program: string, args: readonly string[]): Started {
  // Node looks for `tsx` from there.
  const cwd = BUILT === undefined ? fileURLToPath(new URL('../..', import.meta.url)) : '/';
  const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const gone = once(child, 'exit').then(([status, signal]) => ({
    status: status as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  return {
    pid: child.pid ?? 0,
    child,
    output: () => output,
    gone,
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await gone;
    },
  };
}

/** Resolves when it has said so. */
export async function ready(started: Started, word = 'ready'): Promise<Started> {
  await until(`"${word}", but it said: ${started.output()}`, () => {
    if (started.child.exitCode !== null) throw new Error(`it ended: ${started.output()}`);
    return started.output().includes(word);
  });
  return started;
}

/** A shell in a mount namespace of its own, which does `script` and stays. */
export async function inOtherNamespace(script: string): Promise<Started> {
  return ready(start('unshare', ['--mount', '--', 'sh', '-c', `set -e; ${script}; echo ready; exec sleep 600`]));
}

export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let round = 0; !isSo(); round += 1) {
    if (round > 1500) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Processes in other mount namespaces that see something of a device mounted. */
export function othersShowing(source: string): string[] {
  const own = readlinkSync('/proc/self/ns/mnt');
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readlinkSync(`/proc/${pid}/ns/mnt`) !== own && mountTable(`/proc/${pid}/mountinfo`).some((mount) => mount.source === source);
    } catch {
      return false;
    }
  });
}

/** Whether any process sees a mount below a directory, but for those at `but`. */
export function isMountedAnywhere(directory: string, but: readonly string[]): boolean {
  const counts = ({ at }: MountEntry): boolean => at.startsWith(`${directory}/`) && !but.includes(at);
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && mountTable(`/proc/${pid}/mountinfo`).some(counts);
    } catch {
      return false;
    }
  });
}

/** Programs that this process started and that have not ended: keepers, if all is closed. */
export function children(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const status = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/status`, 'utf8') : '';
      const name = /^Name:\s*(.*)$/m.exec(status)?.[1] ?? '';
      return new RegExp(`^PPid:\\s*${String(process.pid)}$`, 'm').test(status) && !/^State:\s*Z/m.test(status) ? [name] : [];
    } catch {
      return [];
    }
  });
}
