import { expect, it } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import type { Location } from '../../../src/backend/backend.ts';
import { withTargets } from '../../../src/operations/targets.ts';
import type { Argument, Run, RunResult } from '../../../src/system/run.ts';

/** Programs that say this and nothing else; what was started is in `started`. */
function programs(answers: Readonly<Record<string, string>>): { run: Run; started: string[] } {
  const started: string[] = [];
  const run: Run = (program: string, args: readonly Argument[]): Promise<RunResult> => {
    started.push([program, ...args.map((word) => (typeof word === 'string' ? word : word.path))].join(' '));
    const answer = answers[program];
    if (answer === undefined) return Promise.reject(new Error(`${program} was started`));
    return Promise.resolve({ status: 0, stdout: Buffer.from(answer), stderr: '' });
  };
  return { run, started };
}

async function locations(text: string, run: Run, privileged = true): Promise<Location[]> {
  const config = await parseConfig(text, '/etc/roots.toml');
  const context = { run, signal: new AbortController().signal, now: new Date(), config, privileged };
  return withTargets(context, { access: 'read' }, (targets) => Promise.resolve(targets.map(({ backend }) => backend.location)));
}

it('a dataset is the live root of a place on ZFS, and looked for nowhere else', async () => {
  const { run, started } = programs({ zfs: '42\n' });
  const text = 'targets.root = { dataset = "rpool/root", blank = "rpool/blank@blank", archive = "rpool/old roots" }';
  expect(await locations(text, run)).toEqual([
    { backend: 'zfs', live: 'rpool/root', blank: 'rpool/blank@blank', archive: 'rpool/old roots' },
  ]);
  expect(started.every((line) => line.startsWith('zfs list ') && line.endsWith(' rpool/old roots'))).toBe(true);
});

it('a dataset alone is a place: its snapshots are the old roots', async () => {
  const { run, started } = programs({ zfs: '42\n' });
  expect(await locations('targets.root.dataset = "rpool/root"', run)).toEqual([
    { backend: 'zfs', live: 'rpool/root', blank: null, archive: null },
  ]);
  expect(started.every((line) => line.endsWith(' rpool/root'))).toBe(true);
});

it('two targets are not of one archive, whatever it is called', async () => {
  const text = 'targets.a = { dataset = "p/a", archive = "p/old" }\ntargets.b = { dataset = "p/b", archive = "p/older" }';
  await expect(locations(text, programs({ zfs: '42\n' }).run)).rejects.toMatchObject({
    kind: 'usage',
    message: 'the targets `a` and `b` have the same archive',
  });
});

it('what is on a device without a backend is asked of the machine', async () => {
  const { run, started } = programs({ blkid: 'bcachefs\n' });
  await expect(locations('targets.root = { device = "/dev/null", archive = "old" }', run)).rejects.toMatchObject({
    message: expect.stringContaining('bcachefs') as string,
  });
  expect(started).toEqual(['blkid -p -o value -s TYPE -- /dev/null']);
});

it('a backend that is said is not asked for', async () => {
  const { run, started } = programs({});
  const text = 'targets.root = { backend = "bcachefs", device = "/dev/null", archive = "old" }';
  await expect(locations(text, run)).rejects.toMatchObject({ message: expect.stringContaining('bcachefs') as string });
  expect(started).toEqual([]);
});

it('only root reaches what is on a device', async () => {
  await expect(
    locations('targets.root = { device = "/dev/null", archive = "old" }', programs({ blkid: '' }).run, false),
  ).rejects.toMatchObject({ kind: 'not-permitted', message: 'old roots on btrfs can only be reached by root' });
});

it('a target without a place is what is recognised on its backend, and nothing else', async () => {
  const { run } = programs({ zfs: '' });
  await expect(locations('targets.nowhere.backend = "bcachefs"', run, false)).rejects.toMatchObject({
    kind: 'not-found',
    message: 'the target `nowhere` is configured without a place, and no archive for it was recognised on bcachefs',
    hint: 'give `device` and `archive`, or `dataset` for ZFS, under [targets.nowhere] in /etc/roots.toml',
  });
});
