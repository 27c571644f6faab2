/** `roots prune` on real archives: what goes, what stays whatever happens, and what is left when it is stopped half-way. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromText } from '../../src/byte-path.ts';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { buildFieldArchive, type ArchiveState, type FieldArchive } from '../fixtures/field-archive.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { requires } from '../support/requirements.ts';
import { atProcessEnd, tool } from '../support/scratch.ts';
import type { Failure, List, Prune } from './contracts.ts';
import { roots, startRoots, traces, writeConfig, writeDirectoryConfig, type Result } from './roots.ts';

type TargetPlan = Prune['targets'][number];

const targetOf = (result: Result): TargetPlan => (result.json as Prune).targets[0]!;
const namesOf = (all: readonly { readonly name: string }[]): string[] => all.map((each) => each.name);

/** Without those paths, and without the list of names in the archive. */
function without(state: ArchiveState, names: readonly string[], prefix: string): ArchiveState {
  const gone = new Set(names.map((name) => `${prefix}/${name}`));
  return Object.fromEntries(Object.entries(state).filter(([path]) => path !== 'old_roots' && !gone.has(path)));
}

/** A process that holds something until `release`; `held` is what it says when it has it. */
interface Holder {
  release(): Promise<void>;
}

async function hold(program: string, args: readonly string[]): Promise<Holder> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const forget = atProcessEnd(() => child.kill('SIGKILL'));
  await once(child.stdout, 'readable');
  return {
    release: async () => {
      const gone = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      forget();
    },
  };
}

requires.btrfs('roots prune on btrfs', () => {
  let field: FieldArchive;
  let config: string;
  let before: ArchiveState;
  const holders: Holder[] = [];
  const POLICY = '[targets.root.keep]\nlast = 3\ndaily = 4\n[targets.root.prune]\nmax_age = "20d"';
  /** Indices into the boots, all old enough to go. */
  const [PINNED, MOUNTED, MOUNTED_ELSEWHERE, SENT] = [2, 3, 4, 12];
  const nameOf = (index: number): string => field.boots[index]!.name;

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date() });
    config = writeConfig(field, POLICY);
  });
  afterAll(async () => {
    for (const holder of holders) await holder.release();
    field.close();
  });

  it('without a terminal it asks for --yes, and removes nothing', async () => {
    before = await field.snapshotState();
    const text = await roots(['prune', '--config', config]);
    expect(text).toMatchObject({ status: 2, stdout: '' });
    expect(text.stderr).toContain('--yes');
    const { status, json } = await roots(['prune', '--json', '--config', config]);
    expect(status).toBe(2);
    expect((json as Failure).error).toMatchObject({ kind: 'usage', hint: expect.stringContaining('--yes') as string });
    expect(await field.snapshotState()).toEqual(before);
  });

  it('an empty policy removes nothing, and says so', async () => {
    for (const rules of ['', '[targets.root.keep]', '[targets.root.keep]\ndaily = 0']) {
      const empty = writeConfig(field, rules, 'empty.toml');
      const said = await roots(['prune', '--yes', '--config', empty]);
      expect(said).toMatchObject({ status: 0, stdout: expect.stringContaining('no policy is configured: nothing is removed') as string });
      const result = await roots(['prune', '--yes', '--json', '--config', empty]);
      expect(result.status).toBe(0);
      expect(targetOf(result).remove).toEqual([]);
      expect(targetOf(result).keep.every(({ reasons }) => reasons.includes('no policy'))).toBe(true);
    }
    expect(await field.snapshotState()).toEqual(before);
  });

  it('--at shows another moment and removes nothing; with --yes it is refused', async () => {
    const later = await roots(['prune', '--at', '2046-01-01', '--json', '--config', config]);
    expect(later.status).toBe(0);
    expect((later.json as Prune).at).toBe('2046-01-01T00:00:00.000Z');
    const now = targetOf(await roots(['prune', '--dry-run', '--json', '--config', config]));
    expect(targetOf(later).remove.length).toBeGreaterThan(now.remove.length);
    for (const [word, ...args] of [
      ['--at', '--at', '2046-01-01', '--yes'],
      ['--dry-run', '--dry-run', '--yes'],
      ['soon', '--at', 'soon'],
    ] as const) {
      const refused = await roots(['prune', ...args, '--config', config]);
      expect(refused).toMatchObject({ status: 2, stdout: '' });
      expect(refused.stderr).toContain(word);
    }
    expect(await field.snapshotState()).toEqual(before);
  });

  it('--dry-run keeps the contract of --json, and the words of the text', async () => {
    const result = await roots(['prune', '--dry-run', '--json', '--config', config]);
    const plan = result.json as Prune;
    expect(Object.keys(plan).sort()).toEqual(['at', 'targets']);
    const [target] = plan.targets;
    expect(Object.keys(target!).sort()).toEqual(['freedBytes', 'keep', 'remove', 'skipped', 'target']);
    for (const each of [...target!.keep, ...target!.remove]) expect(Object.keys(each).sort()).toEqual(['name', 'reasons']);
    for (const each of target!.skipped) expect(Object.keys(each).sort()).toEqual(['name', 'why']);
    for (const { reasons } of target!.remove) expect(reasons.join()).toMatch(/^(older than 20d|not kept by any rule)/);
    const { stdout } = await roots(['prune', '--dry-run', '--config', config]);
    expect(stdout).toContain(`${String(target!.remove.length)} old roots to remove, ${String(target!.keep.length)} old roots to keep`);
    expect(stdout.match(/^remove /gm)).toHaveLength(target!.remove.length);
    expect(stdout).toContain('Nothing was changed.');
    expect(await field.snapshotState()).toEqual(before);
  });

  it('removes exactly its plan; what is live, mounted, pinned, odd or no old root is untouched; one failure does not stop the rest', async () => {
    expect((await roots(['pin', nameOf(PINNED), '--note', 'keep me', '--config', config])).status).toBe(0);
    field.image.mount({ subvolume: `old_roots/${nameOf(MOUNTED)}` }, join(field.scratch, 'mounted'));
    mkdirSync(join(field.scratch, 'elsewhere'));
    const mount = 'mount -t btrfs -o "subvol=/$1" -- "$2" "$3" && echo mounted && exec cat';
    const inNamespace = [
      '--mount',
      '--',
      'sh',
      '-c',
      mount,
      'sh',
      `old_roots/${nameOf(MOUNTED_ELSEWHERE)}`,
      field.device,
      join(field.scratch, 'elsewhere'),
    ];
    holders.push(await hold('unshare', inNamespace));
    // The kernel refuses to delete a subvolume that is being sent. Nobody reads what it sends, so it does not end.
    const top = field.image.mount({}, join(field.scratch, 'sender'));
    const sent = join(top, 'old_roots', nameOf(SENT));
    tool('btrfs', 'property', 'set', '-ts', sent, 'ro', 'true');
    holders.push(await hold('btrfs', ['--quiet', 'send', sent]));

    before = await field.snapshotState();
    const mounts = traces(field.device, field.scratch);
    const plan = targetOf(await roots(['prune', '--dry-run', '--json', '--config', config]));
    const result = await roots(['prune', '--yes', '--json', '--config', config]);
    const after = await field.snapshotState();
    const outcome = targetOf(result);

    expect(outcome.remove.map(({ name, reasons }) => ({ name, reasons }))).toEqual(plan.remove);
    expect(outcome.keep).toEqual(plan.keep);
    const reasonsOf = (index: number): readonly string[] => plan.keep.find(({ name }) => name === nameOf(index))?.reasons ?? [];
    expect([reasonsOf(PINNED)[0], reasonsOf(MOUNTED)[0], reasonsOf(MOUNTED_ELSEWHERE)[0]]).toEqual(['pinned', 'mounted', 'mounted']);

    const failed = outcome.remove.filter((each) => each.result === 'failed');
    expect(namesOf(failed)).toEqual([nameOf(SENT)]);
    expect(failed[0]?.error).toContain('Operation not permitted');
    expect(result.status).toBe(3);
    const removed = namesOf(outcome.remove.filter((each) => each.result === 'removed'));
    expect(removed.length).toBeGreaterThan(8);
    expect(removed).toHaveLength(plan.remove.length - 1);
    expect(without(after, [], 'old_roots')).toEqual(without(before, removed, 'old_roots'));
    expect(traces(field.device, field.scratch)).toEqual(mounts);
    expect(readdirSync(join(field.scratch, 'mounted'))).toContain('etc');
  });

  it('names what could not be removed for people too, and removes it when it can', async () => {
    const failed = await roots(['prune', '--yes', '--config', config]);
    expect(failed.status).toBe(3);
    expect(failed.stdout + failed.stderr).toContain(`failed   root:${nameOf(SENT)}`);
    for (const holder of holders.splice(0)) await holder.release();
    const done = await roots(['prune', '--yes', '--config', config]);
    expect(done.status).toBe(0);
    const left = ((await roots(['ls', '--json', '--config', config])).json as List).roots;
    // Nothing is mounted in the other namespace any more.
    expect(namesOf(left)).not.toContain(nameOf(SENT));
    expect(namesOf(left)).not.toContain(nameOf(MOUNTED_ELSEWHERE));
    expect(namesOf(left)).toEqual(expect.arrayContaining([nameOf(PINNED), nameOf(MOUNTED)]));
    field.image.unmount(join(field.scratch, 'sender'));
  });

  it('has nothing to do the second time', async () => {
    const result = await roots(['prune', '--yes', '--json', '--config', config]);
    expect(result.status).toBe(0);
    expect(targetOf(result).remove).toEqual([]);
  });
});

const AGE = '[targets.root.prune]\nmax_age = "1y"';
const COUNT = 15;
/** Of long ago, a second apart; the floor keeps the newest three of the archive, so none of these. */
const longAgo = Array.from({ length: COUNT }, (_, at) => `2020-01-01_00:00:${String(at).padStart(2, '0')}`);

/** What the tests of stopping need of an archive, whatever it is made of. */
interface Stock {
  readonly config: string;
  readonly archive: string;
  make(name: string): void;
  /** Uses one in a way that must keep it; returns how to end that. Null where that needs privileges. */
  readonly mount: ((name: string) => () => void) | null;
  close(): void;
}

async function btrfsStock(): Promise<Stock> {
  const field = await buildFieldArchive({ now: new Date() });
  const top = field.image.mount({}, join(field.scratch, 'kept'));
  const archive = join(top, 'old_roots');
  return {
    config: writeConfig(field, AGE),
    archive,
    make: (name) => {
      tool('btrfs', 'subvolume', 'snapshot', join(top, 'root-blank'), join(archive, name));
      fill(join(archive, name), name);
    },
    mount: (name) => {
      const at = field.image.mount({ subvolume: `old_roots/${name}` }, join(field.scratch, 'meanwhile'));
      return () => field.image.unmount(at);
    },
    close: () => field.close(),
  };
}

async function directoryStock(): Promise<Stock> {
  const directory = await buildDirectoryArchive({ now: new Date() });
  const { archive } = directory;
  return {
    config: writeDirectoryConfig(directory, AGE),
    archive,
    make: (name) => {
      tool('cp', '-a', directory.blank, join(archive, name));
      fill(join(archive, name), name);
    },
    mount:
      process.geteuid?.() === 0
        ? (name) => {
            tool('mount', '--bind', join(archive, name, 'home'), join(archive, name, 'tmp'));
            return () => tool('umount', join(archive, name, 'tmp'));
          }
        : null,
    close: () => directory.close(),
  };
}

function fill(root: string, name: string): void {
  mkdirSync(join(root, 'home/alice/a/b/c'), { recursive: true });
  for (let number = 0; number < 5; number += 1) writeFileSync(join(root, 'home/alice/a/b/c', String(number)), name);
}

function stopping(stockOf: () => Promise<Stock>, rounds: number): void {
  let stock: Stock;
  beforeAll(async () => {
    stock = await stockOf();
    // Whatever is old enough already goes first.
    expect((await roots(['prune', '--yes', '--config', stock.config])).status).toBe(0);
  });
  afterAll(() => stock.close());

  const refill = (): void => {
    for (const name of longAgo) if (!existsSync(join(stock.archive, name))) stock.make(name);
  };
  /** Of the roots that are to go; of all else the names. */
  const digests = (): Map<string, string> => {
    const names = readdirSync(stock.archive, { encoding: 'latin1' }).filter((name) => name !== '.roots');
    return new Map(names.map((name) => [name, longAgo.includes(name) ? treeDigest(fromText(join(stock.archive, name))) : 'there']));
  };
  const prune = ['prune', '--yes', '--config'];

  it('killed at any moment, it leaves every old root whole or gone, and the next prune finishes', async () => {
    const signals = [];
    let partly = 0;
    for (let round = 0; round < rounds; round += 1) {
      refill();
      const before = digests();
      const { child, end } = startRoots([...prune, stock.config]);
      // Half of them right after a removal was told, the others at any time.
      if (round % 2 === 0) await lineOf(child, Math.floor(Math.random() * (COUNT - 2)) + 1);
      await sleep(Math.random() * (round % 2 === 0 ? 30 : 800));
      child.kill('SIGKILL');
      signals.push((await end).signal);

      const after = digests();
      for (const [name, digest] of after) expect([name, digest]).toEqual([name, before.get(name)]);
      const left = longAgo.filter((name) => after.has(name)).length;
      if (left > 0 && left < COUNT) partly += 1;
      expect(after.size).toBe(before.size - COUNT + left);
      const next = await roots([...prune, stock.config]);
      expect(next.status).toBe(0);
      expect(longAgo.filter((name) => existsSync(join(stock.archive, name)))).toEqual([]);
      expect(leftovers(stock.archive)).toEqual([]);
    }
    expect(signals).toContain('SIGKILL');
    expect(partly).toBeGreaterThan(0);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('on %s it finishes the step under way, says so and exits with 130', async (signal) => {
    refill();
    const before = digests();
    const { child, end } = startRoots([...prune, stock.config]);
    await lineOf(child, 2);
    child.kill(signal);
    const { status, stdout } = await end;
    expect(status).toBe(130);
    const told = [...stdout.matchAll(/^removed {2}root:(\S+)$/gm)].map((match) => match[1]);
    const after = digests();
    expect(longAgo.filter((name) => !after.has(name))).toEqual(told);
    expect(told.length).toBeLessThan(COUNT);
    expect(stdout).toContain(`${String(COUNT - told.length)} not tried`);
    for (const [name, digest] of after) expect([name, digest]).toEqual([name, before.get(name)]);
    expect(leftovers(stock.archive)).toEqual([]);
  });

  it('what is mounted while it is at work stays, and the others go', async ({ skip }) => {
    if (stock.mount === null) return skip('needs root (run: sudo npm test)');
    refill();
    const before = digests();
    const { child, end } = startRoots([...prune, stock.config]);
    await lineOf(child, 1);
    child.kill('SIGSTOP');
    const name = longAgo.at(-1)!;
    const unmount = stock.mount(name);
    try {
      child.kill('SIGCONT');
      const { status, stdout } = await end;
      expect(status).toBe(3);
      expect(stdout).toMatch(new RegExp(`^failed {3}root:${name}: .*mounted`, 'm'));
    } finally {
      child.kill('SIGCONT');
      unmount();
    }
    expect(longAgo.filter((each) => existsSync(join(stock.archive, each)))).toEqual([name]);
    expect(digests().get(name)).toBe(before.get(name));
  });

  it('two at once: the second exits with 11, names the first and changes nothing', async () => {
    refill();
    const first = startRoots([...prune, stock.config]);
    await lineOf(first.child, 1);
    first.child.kill('SIGSTOP');
    try {
      for (const args of [
        ['prune', '--yes'],
        ['pin', 'latest'],
      ]) {
        const second = await roots([...args, '--json', '--config', stock.config]);
        expect(second.status).toBe(11);
        const { error } = second.json as Failure;
        expect(error).toMatchObject({ kind: 'locked', message: expect.stringContaining(`process ${String(first.child.pid)}`) as string });
      }
      // Reading is free.
      expect((await roots(['ls', '--config', stock.config])).status).toBe(0);
      expect((await roots(['prune', '--dry-run', '--config', stock.config])).status).toBe(0);
    } finally {
      first.child.kill('SIGCONT');
    }
    const { status, stdout } = await first.end;
    expect(status).toBe(0);
    expect(stdout.match(/^removed /gm)).toHaveLength(COUNT);
    expect(longAgo.filter((name) => existsSync(join(stock.archive, name)))).toEqual([]);
  });

  it('a lock that is held by someone else is respected, and gone when they are', async () => {
    refill();
    const before = digests();
    const holder = await hold('flock', ['--exclusive', '--no-fork', stock.archive, 'sh', '-c', 'echo held; exec cat']);
    const { status, stderr } = await roots([...prune, stock.config]);
    expect(status).toBe(11);
    expect(stderr).toContain(`process ${String(process.pid)}`);
    expect(digests()).toEqual(before);
    await holder.release();
    expect((await roots([...prune, stock.config])).status).toBe(0);
  });
}

/** Resolves when so many removals have been told. */
async function lineOf(child: ChildProcess, count: number): Promise<void> {
  let text = '';
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString('utf8');
      if ((text.match(/^(?:removed|failed) /gm)?.length ?? 0) >= count) resolve();
    });
    child.once('exit', () => resolve());
  });
}

/** Trees that are out of the archive and not deleted yet. */
function leftovers(archive: string): string[] {
  const removing = join(archive, '.roots', 'removing');
  return existsSync(removing) ? readdirSync(removing) : [];
}

requires.btrfs('roots prune on btrfs, stopped', () => stopping(btrfsStock, 10));
describe('roots prune on directories, stopped', () => stopping(directoryStock, 6));

describe('roots prune on directories', () => {
  let directory: DirectoryArchive;
  let config: string;
  beforeAll(async () => {
    directory = await buildDirectoryArchive({ now: new Date() });
    config = writeDirectoryConfig(directory, '[targets.root.keep]\nlast = 2\n[targets.root.prune]\nmax_age = "10d"');
  });
  afterAll(() => directory.close());

  it('removes exactly its plan; links, files, what is not understood, pinned or outside is untouched', async () => {
    const pinned = directory.roots[1]!.name;
    expect((await roots(['pin', pinned, '--config', config])).status).toBe(0);
    const before = directory.snapshotState();
    const plan = targetOf(await roots(['prune', '--dry-run', '--json', '--config', config]));
    expect(directory.snapshotState()).toEqual(before);
    const result = await roots(['prune', '--yes', '--json', '--config', config]);
    const outcome = targetOf(result);
    const after = directory.snapshotState();

    expect(result.status).toBe(0);
    expect(outcome.remove.map(({ name, reasons }) => ({ name, reasons }))).toEqual(plan.remove);
    expect(outcome.remove.every((each) => each.result === 'removed')).toBe(true);
    expect(namesOf(plan.remove)).toEqual(
      directory.roots
        .slice(0, 6)
        .map(({ name }) => name)
        .filter((name) => name !== pinned),
    );
    expect(plan.keep).toContainEqual({ name: pinned, reasons: ['pinned'] });
    expect(plan.keep).toContainEqual({ name: directory.odd.future, reasons: ['future'] });
    const { unparseable, symlink, datedSymlink, file, datedFile } = directory.odd;
    expect(namesOf(plan.skipped)).toEqual(
      expect.arrayContaining([unparseable, symlink, datedSymlink, file, datedFile, String.raw`two\nlines`, String.raw`root\xe9`]),
    );
    const folder = 'archive/.roots';
    expect({ ...after, [folder]: '' }).toEqual({ ...without(before, namesOf(plan.remove), 'archive'), [folder]: '' });
    expect(leftovers(directory.archive)).toEqual([]);
  });

  it('leaves alone what is exchanged for a link', async () => {
    const name = '2020-05-05_00:00:00';
    tool('ln', '-s', directory.outside, join(directory.archive, name));
    const before = directory.snapshotState();
    expect((await roots(['prune', '--yes', '--config', config])).status).toBe(0);
    expect(directory.snapshotState()).toEqual(before);
    rmSync(join(directory.archive, name));
  });
});
