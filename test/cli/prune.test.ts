/** `roots prune` on real archives: what goes, what stays whatever happens, and what is left when it is stopped half-way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { buildFieldArchive, type ArchiveState, type FieldArchive } from '../fixtures/field-archive.ts';
import { requires } from '../support/requirements.ts';
import { atProcessEnd, tool } from '../support/scratch.ts';
import type { Failure, List, Prune } from './contracts.ts';
import { roots, traces, writeConfig, writeDirectoryConfig, type Result } from './roots.ts';

type TargetPlan = Prune['targets'][number];

const targetOf = (result: Result): TargetPlan => (result.json as Prune).targets[0]!;
const namesOf = (all: readonly { readonly name: string }[]): string[] => all.map((each) => each.name);

/** Without those paths, the list of names in the archive and what the program keeps there: the log grows. */
function without(state: ArchiveState, names: readonly string[], prefix: string): ArchiveState {
  const gone = new Set(['.roots', ...names].map((name) => `${prefix}/${name}`));
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
    expect(Object.keys(target!).sort()).toEqual(['freedBytes', 'into', 'keep', 'purge', 'remove', 'skipped', 'space', 'target']);
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
    expect(without(after, [], 'archive')).toEqual(without(before, namesOf(plan.remove), 'archive'));
    expect(readdirSync(directory.archive).filter((name) => /^\.roots-(?:removing|deleting)\./.test(name))).toEqual([]);
  });

  it('leaves alone what is exchanged for a link', async () => {
    const name = '2020-05-05_00:00:00';
    tool('ln', '-s', directory.outside, join(directory.archive, name));
    const before = directory.snapshotState();
    expect((await roots(['prune', '--yes', '--config', config])).status).toBe(0);
    expect(without(directory.snapshotState(), [], 'archive')).toEqual(without(before, [], 'archive'));
    rmSync(join(directory.archive, name));
  });
});
