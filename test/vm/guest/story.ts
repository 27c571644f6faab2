/**
 * In the test machine: what happens on a machine of somebody who uses `roots`, on one filesystem. It runs the program, writes down what that said and
 * what is there afterwards, and judges nothing. Usage: node story.mjs FILESYSTEM RESULT, in a mount namespace of its own.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { fromText, isWithin, joinPath, toText, type BytePath } from '../../../src/byte-path.ts';
import { snippetName } from '../../fixtures/boot-times.ts';
import { LOST_FILE, bootThirtyTimes, fieldBoots, liveSince } from '../../fixtures/field-boots.ts';
import { differencesOf, kindsOf, unpackEntries } from '../../fixtures/many-entries.ts';
import { untouchedDigest } from '../../fixtures/tree-digest.ts';
import { buildZfsArchive, rebootZfsArchive } from '../../fixtures/zfs-archive.ts';
import { KEYS, onPseudoTerminal, type Answer } from '../../support/pseudo-terminal.ts';
import { mountTable, tool } from '../../support/scratch.ts';
import {
  LIVE,
  NOW,
  POLICIES,
  configFile,
  type File,
  type Filesystem,
  type ProgramRun,
  type Session,
  type Story,
  type TerminalRun,
  type ZfsStory,
} from './story-contract.ts';
import { lookAtPool, makeMachine, makePool, stateOf, type StoryMachine } from './story-machine.ts';

const OUTSIDE = '/run/outside';
/** In a directory that is there already: boot recipes go by the time of the root itself. */
const TREE = join(LIVE, 'home/alice/tree');
const ENTRIES_FILE = '/run/host/files/entries.tar';
const PROGRAM = '/usr/bin/roots';
const ENVIRONMENT = { PATH: process.env['PATH'], LANG: 'C.UTF-8', TZ: 'UTC', HOME: '/root' };
/** All is slow here, and four do it at once. */
const PATIENCE_MS = 600_000;
const CLOCK_IS_RIGHT = '/run/clock-is-right';

const [story = '', result = ''] = process.argv.slice(2);
mkdirSync(OUTSIDE, { recursive: true });
write(join(OUTSIDE, 'secret'), 'This file is outside of every root.\n');
for (const policy of Object.keys(POLICIES) as (keyof typeof POLICIES)[]) write(configFile(policy), POLICIES[policy]);
writeFileSync(result, JSON.stringify(story === 'zfs-inside' ? blankInside() : await field(story as Filesystem)));

async function field(filesystem: Filesystem): Promise<Story> {
  const watch = stopwatch();
  const machine = makeMachine(filesystem);
  const from = new Date().toISOString();
  const odd = await bootThirtyTimes(machine.ground, { now: NOW, outside: OUTSIDE, odd: { collision: false } });
  const builtBetween = [from, new Date().toISOString()] as const;
  machine.start();
  watch.lap('building');
  const boots = fieldBoots(NOW);
  const nameOf = (number: number): string => boots[number]?.name ?? '';
  const { before, lost } = machine.look((trees) => ({
    before: stateOf(trees),
    lost: fileFacts(inside(trees, nameOf(LOST_FILE.boot))),
  }));
  const mountsBefore = mountsEverywhere(machine.source);
  watch.lap('looking');

  const finding = {
    list: roots('ls', '--json'),
    plan: roots('prune', '--dry-run', '--json', '--config', configFile('A')),
    unsaved: roots('diff', '--all', '--json'),
    wrote: roots('diff', nameOf(LOST_FILE.boot), '--all', '--json'),
    ...(filesystem === 'zfs' && { wroteByZfs: roots('diff', nameOf(LOST_FILE.boot), '--all', '--json', '--engine', 'zfs-diff') }),
    find: roots('find', LOST_FILE.path.replace(/.*\//, '').replace(/\..*/, '*'), '--json'),
    history: roots('history', join(LIVE, LOST_FILE.path), '--json'),
    cat: roots('cat', 'latest', '/etc/passwd'),
    restore: roots('restore', join(LIVE, LOST_FILE.path), '--yes', '--json'),
  };
  const restored = fileFacts(fromText(join(LIVE, LOST_FILE.path)));
  watch.lap('running');
  // On btrfs it is asked where that is quick (test/cli/browse.test.ts).
  const asks = filesystem !== 'btrfs';
  const byCommands = asks ? await losing(commands()) : null;
  const byBrowsing = asks ? await losing(browsing(nameOf(LOST_FILE.boot))) : null;
  watch.lap('asking');
  const removing = {
    prune: roots('prune', '--yes', '--config', configFile('A')),
    trash: roots('prune', '--yes', '--config', configFile('B')),
    undelete: roots('undelete', odd.readOnly ?? '', '--json', '--config', configFile('B')),
  };
  watch.lap('removing');

  const mountsAfter = mountsEverywhere(machine.source);
  const after = machine.look(stateOf);
  mkdirSync(TREE, { recursive: true });
  unpackEntries(ENTRIES_FILE, TREE);
  watch.lap('writing a tree');
  machine.shutDown();
  machine.ground.boot(liveSince(NOW), 'snapshot');
  const nextLive = untouchedDigest(fromText(machine.ground.root));
  machine.start();
  const namesAfterNextBoot = machine.look((trees) => [...trees.keys()]);
  watch.lap('looking again');
  const tree = restoreTree(machine, snippetName(liveSince(NOW)));
  watch.lap('restoring the tree');
  return {
    boots,
    odd,
    builtBetween,
    runs: { ...finding, ...removing },
    before,
    after,
    lost,
    restored,
    byCommands,
    byBrowsing,
    mountsBefore,
    mountsAfter,
    nextLive,
    namesAfterNextBoot,
    tree,
    seconds: watch.laps,
  };
}

interface Asked {
  readonly args: readonly string[];
  readonly answers: readonly Answer[];
}

/** From "where was it" to having it back. */
function commands(): Asked[] {
  const path = join(LIVE, LOST_FILE.path);
  return [
    { args: ['find', 'thesis*'], answers: [] },
    { args: ['history', path], answers: [] },
    { args: ['restore', path], answers: [{ when: /Restore this\?/, type: `y${KEYS.enter}` }] },
  ];
}

function browsing(boot: string): Asked[] {
  const { enter, down } = KEYS;
  return [
    {
      args: ['browse'],
      answers: [
        { when: /Which old root\?[^]* ago/, type: boot },
        { when: new RegExp(`root:${boot}`), type: enter },
        { when: /‹ back to the old roots/, type: 'thesis' },
        { when: /thesis-draft\.txt/, type: enter },
        // Preview, other versions, restore.
        { when: /Preview/, type: `${down}${down}${enter}` },
        { when: /where it was:/, type: enter },
        { when: /Restore this\?/, type: `y${enter}` },
        { when: /What now\?/, type: `${down}${enter}` },
      ],
    },
  ];
}

async function losing(steps: readonly Asked[]): Promise<Session> {
  const path = join(LIVE, LOST_FILE.path);
  rmSync(path, { force: true });
  const runs: TerminalRun[] = [];
  for (const { args, answers } of steps) {
    const words = [process.execPath, ...process.execArgv, PROGRAM, ...args];
    const terminal = { columns: 80, rows: 24, cwd: '/', env: { ...ENVIRONMENT, TERM: 'xterm-256color' }, answers, patience: PATIENCE_MS };
    const { status, output } = await onPseudoTerminal(words, terminal);
    runs.push({ args, status, text: stripVTControlCharacters(output) });
  }
  return { runs, back: fileFacts(fromText(path)) };
}

function restoreTree(machine: StoryMachine, boot: string): Story['tree'] {
  const run = roots('restore', TREE, '--from', boot, '--yes', '--json');
  const entries = spawnSync('find', [TREE, '-mindepth', '1', '-printf', '.'], { encoding: 'utf8' }).stdout.length;
  const kinds = kindsOf(TREE);
  const differences = machine.look((trees) => {
    const source = toText(joinPath(trees.get(boot) ?? fromText('/missing'), fromText(TREE.slice(LIVE.length + 1))));
    try {
      return differencesOf(source, TREE).slice(0, MOST_DIFFERENCES);
    } catch (error) {
      // What was not restored is told by `run`.
      return String(error);
    }
  });
  return { run, entries, kinds, differences };
}

/** Characters: enough to see what it is. */
const MOST_DIFFERENCES = 4000;

/** The blank is a snapshot of what is now the oldest old root. */
function blankInside(): ZfsStory {
  const watch = stopwatch();
  const pool = 'zroot';
  makePool(pool);
  const archive = buildZfsArchive(pool, LIVE, NOW, (to) => void tool('date', '--set', `@${String(to.getTime() / 1000)}`));
  // Only now may others begin: the clock is theirs, too.
  writeFileSync(CLOCK_IS_RIGHT, '');
  watch.lap('building');
  const before = lookAtPool(pool, blankIn(pool), stateOf);
  const mountsBefore = mountsEverywhere(pool);
  const runs = {
    list: roots('ls', '--json'),
    prune: roots('prune', '--yes', '--config', configFile('inside')),
  };
  const mountsAfter = mountsEverywhere(pool);
  const after = lookAtPool(pool, blankIn(pool), stateOf);
  const origins = Object.fromEntries(
    tool('zfs', 'list', '-H', '-t', 'filesystem,snapshot', '-o', 'name,origin', '-r', pool)
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t') as [string, string]),
  );
  watch.lap('running');
  // Without the archive it is the layout of `zfs rollback -r POOL/root@blank`.
  tool('zfs', 'rename', '-u', `${pool}/old_roots`, `${pool}/elsewhere`);
  const rolledBack = roots('ls', '--json');
  tool('zfs', 'rename', '-u', `${pool}/elsewhere`, `${pool}/old_roots`);

  tool('umount', LIVE);
  rebootZfsArchive(pool, NOW);
  tool('mount', '-t', 'zfs', `${pool}/root`, LIVE);
  const nextLive = untouchedDigest(fromText(LIVE));
  const namesAfterNextBoot = lookAtPool(pool, blankIn(pool), (trees) => [...trees.keys()]);
  watch.lap('looking again');
  return {
    archive,
    runs: { ...runs, rolledBack },
    before,
    after,
    mountsBefore,
    mountsAfter,
    origins,
    nextLive,
    namesAfterNextBoot,
    seconds: watch.laps,
  };
}

/** Whichever dataset it is of. */
function blankIn(pool: string): string {
  const snapshots = tool('zfs', 'list', '-H', '-t', 'snapshot', '-o', 'name', '-r', pool).split('\n');
  return snapshots.find((name) => name.endsWith('@blank')) ?? 'missing';
}

/** The other stories have it as well, and read it at any moment. */
function write(file: string, content: string): void {
  const draft = `${file}.${String(process.pid)}`;
  writeFileSync(draft, content, { mode: 0o644 });
  renameSync(draft, file);
}

function inside(trees: ReadonlyMap<string, BytePath>, name: string): BytePath {
  return joinPath(trees.get(name) ?? fromText('/missing'), fromText(LOST_FILE.path));
}

function roots(...args: readonly string[]): ProgramRun {
  const startedAt = new Date().toISOString();
  // With the options of Node that this was started with: they make it faster here.
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [...process.execArgv, PROGRAM, ...args], {
    cwd: '/',
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error !== undefined) throw error;
  return { args, status, stdout, stderr, startedAt, endedAt: new Date().toISOString() };
}

/** Null if it is not there. */
function fileFacts(path: BytePath): File | null {
  const found = lstatSync(toText(path), { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return null;
  return {
    sha256: createHash('sha256')
      .update(readFileSync(toText(path)))
      .digest('hex'),
    mode: found.mode.toString(8),
    owner: `${String(found.uid)}:${String(found.gid)}`,
    mtimeNs: String(found.mtimeNs),
    xattrs: tool('getfattr', '--absolute-names', '-d', '-m', '-', '-e', 'hex', toText(path)).split('\n').slice(1).join('\n'),
  };
}

/** Once for each mount namespace: its number and where it is mounted. */
function mountsEverywhere(source: string): string[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = processes.flatMap((process) => {
    try {
      const namespace = readlinkSync(`/proc/${process}/ns/mnt`);
      const mounts = mountTable(`/proc/${process}/mountinfo`).filter(
        (mount) => mount.source === source || isWithin(mount.source as BytePath, fromText(source)),
      );
      return mounts.map(({ at, root }) => `${namespace} ${root} at ${at}`);
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
  return [...new Set(found)].sort();
}

function stopwatch(): { readonly laps: Record<string, number>; lap(name: string): void } {
  const laps: Record<string, number> = {};
  let last = process.hrtime.bigint();
  return {
    laps,
    lap: (name) => {
      const now = process.hrtime.bigint();
      laps[name] = Math.round(Number(now - last) / 1e8) / 10;
      last = now;
    },
  };
}
