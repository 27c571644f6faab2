/** What `roots restore` does where something is in the way, or cannot be had: on plain directories, since no filesystem matters here. */
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildDirectoryArchive, type DirectoryArchive } from '../fixtures/directory-archive.ts';
import { missing } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Failure, Restore } from './contracts.ts';
import { makeGate } from './gate.ts';
import { roots, startRoots, writeDirectoryConfig } from './roots.ts';

let directory: DirectoryArchive;
let config: string;
let from: string;
beforeEach(async () => {
  directory = await buildDirectoryArchive({ now: new Date() });
  config = writeDirectoryConfig(directory, '');
  from = directory.lostFile.root;
});
afterEach(() => directory.close());

const live = (path: string): string => join(directory.live, path);
const restore = async (...args: string[]) => {
  const { status, json } = await roots(['restore', '--json', '--config', config, '--from', from, ...args]);
  return { status, items: (json as Partial<Restore>).items ?? [], error: (json as Partial<Failure>).error };
};

describe('a file that is there and differs', () => {
  const path = (): string => live(directory.lostFile.path);
  const lost = 'The only copy there is.\n';
  beforeEach(() => {
    mkdirSync(dirname(path()), { recursive: true });
    writeFileSync(path(), 'mine');
  });
  const around = (): Record<string, string> =>
    Object.fromEntries(
      readdirSync(dirname(path()))
        .filter((name) => name.startsWith('thesis'))
        .map((name) => [name, readFileSync(join(dirname(path()), name), 'utf8')]),
    );

  it('stays, and the old one goes beside it, once', async () => {
    const beside = `thesis-draft.txt.from-${from}`;
    for (const result of ['restored', 'same']) {
      const { status, items } = await restore(path(), '--keep-both');
      expect({ status, items }).toMatchObject({ status: 0, items: [{ result, destination: join(dirname(path()), beside) }] });
      expect(around()).toEqual({ 'thesis-draft.txt': 'mine', [beside]: lost });
    }
    writeFileSync(join(dirname(path()), beside), 'mine too');
    expect((await restore(path(), '--keep-both')).status).toBe(0);
    expect(around()).toEqual({ 'thesis-draft.txt': 'mine', [beside]: 'mine too', [`${beside}-2`]: lost });
  });

  it('is not sought in an older root because the old one is beside it already', async () => {
    for (const result of ['restored', 'same']) {
      const { status, json } = await roots(['restore', path(), '--keep-both', '--json', '--config', config]);
      expect({ status, items: (json as Restore).items }).toMatchObject({ status: 0, items: [{ from: `root:${from}`, result }] });
    }
    expect(Object.keys(around())).toHaveLength(2);
  });

  it('stays too where a directory is in the way', async () => {
    rmSync(path());
    mkdirSync(join(path(), 'in'), { recursive: true });
    const { status, items } = await restore(path(), '--keep-both');
    expect({ status, items }).toMatchObject({ status: 0, items: [{ result: 'restored' }] });
    expect(existsSync(join(path(), 'in'))).toBe(true);
    expect(readFileSync(`${path()}.from-${from}`, 'utf8')).toBe(lost);
  });

  it('is kept under the suffix that --backup names, and no older backup is lost', async () => {
    for (const [text, name] of [
      ['mine', 'thesis-draft.txt.mine'],
      ['mine again', 'thesis-draft.txt.mine.~1~'],
    ] as const) {
      writeFileSync(path(), text);
      const { status, items } = await restore(path(), '--backup=.mine', '--yes');
      expect({ status, items }).toMatchObject({ status: 0, items: [{ result: 'restored', backup: join(dirname(path()), name) }] });
      expect(around()).toMatchObject({ 'thesis-draft.txt': lost, [name]: text });
    }
    expect(around()).toMatchObject({ 'thesis-draft.txt.mine': 'mine' });
  });

  it('is kept under a number by --backup, which says to overwrite as well', async () => {
    expect((await restore('--backup', path(), '--yes')).status).toBe(0);
    expect(around()).toEqual({ 'thesis-draft.txt': lost, 'thesis-draft.txt.~1~': 'mine' });
  });

  it.each([
    [['--keep-both', '--overwrite'], 'cannot also be provided'],
    [['--keep-both', '--backup'], 'cannot also be provided'],
    [['--backup=/etc/x', '--yes'], 'suffix'],
  ])('%j: 2, and it stays', async (args, message) => {
    const { status, error } = await restore(path(), ...args);
    expect(status).toBe(2);
    expect(error?.message).toContain(message);
    expect(around()).toEqual({ 'thesis-draft.txt': 'mine' });
  });
});

it('a restore that is stopped while it plans changes nothing: 130', async () => {
  // What seems the same is asked for its extended attributes.
  const [same, other] = ['home/alice/notes.txt', directory.lostFile.path];
  for (const path of [same, other]) mkdirSync(dirname(live(path)), { recursive: true });
  tool('cp', '-a', join(directory.archive, from, same), live(same));
  writeFileSync(live(other), 'mine');
  const { env, reached, open } = makeGate(directory.path, 'getfattr');
  const args = ['restore', '--json', '--config', config, '--from', from, '--overwrite', '--yes', live(same), live(other)];
  const { child, end } = startRoots(args, { env });
  await reached();
  child.kill('SIGINT');
  open();
  const { status, json } = await end;
  expect([status, (json as Failure).error]).toMatchObject([130, { kind: 'interrupted', message: 'stopped; nothing was changed' }]);
  expect(readFileSync(live(other), 'utf8')).toBe('mine');
});

describe('a directory that is to come back as a whole', () => {
  it('goes beside a file that has its name, once, and again if what is beside differs', async () => {
    const home = live('home/alice');
    rmSync(home, { recursive: true, force: true });
    mkdirSync(dirname(home), { recursive: true });
    writeFileSync(home, 'a file');
    const beside = `${home}.from-${from}`;
    for (const result of ['restored', 'same']) {
      const { status, items } = await restore(home, '--keep-both');
      expect({ status, items }).toMatchObject({ status: 0, items: [{ result, destination: beside }] });
    }
    const lost = join(beside, directory.lostFile.path.replace(/^home\/alice\//, ''));
    writeFileSync(lost, 'changed');
    const { items } = await restore(home, '--keep-both');
    expect(items).toMatchObject([{ result: 'restored', destination: `${beside}-2` }]);
    expect([readFileSync(home, 'utf8'), readFileSync(lost, 'utf8')]).toEqual(['a file', 'changed']);
  });

  it('is told with how much is in it', async () => {
    const source = join(directory.archive, from, 'home/alice');
    rmSync(live('home/alice'), { recursive: true, force: true });
    const { items } = await restore(live('home/alice'), '--dry-run');
    const count = (test: string): number[] =>
      tool('find', source, '-mindepth', '1', ...test.split(' ').filter((word) => word !== ''), '-printf', '%s\\n')
        .split('\n')
        .filter((line) => line !== '')
        .map(Number);
    const size = count('-type f').reduce((sum, each) => sum + each, 0);
    expect(items).toMatchObject([{ action: 'create', type: 'directory', entries: count('').length, size }]);
    const { stdout } = await roots(['restore', live('home/alice'), '--from', from, '--dry-run', '--config', config]);
    expect(stdout).toMatch(new RegExp(`^create {3}.*/home/alice/ {2}${String(count('').length)} entries {2}\\d`, 'm'));
  });

  it.skipIf(missing('root'))('comes back but for what cannot be read: 3, and that is named', { meta: { needs: 'root' } }, async () => {
    const source = join(directory.archive, from, 'srv/shared');
    for (const path of ['open', 'closed']) mkdirSync(join(source, path), { recursive: true });
    for (const path of ['open/one', 'open/secret', 'closed/in', 'two']) writeFileSync(join(source, path), path);
    for (const path of ['open/secret', 'closed']) chmodSync(join(source, path), 0);
    for (const path of [directory.path, join(directory.archive, from)]) chmodSync(path, 0o755);
    const out = mkdtempSync(join(tmpdir(), 'roots-test-out-'));
    try {
      chownSync(out, 1000, 1000);
      const args = ['restore', '/srv/shared', '--from', from, '--to', out, '--config', config];
      const { status, json } = await roots([...args, '--json'], { uid: 1000 });
      expect({ status, items: (json as Restore).items }).toMatchObject({
        status: 3,
        items: [
          {
            result: 'restored',
            missing: [
              { path: 'closed', why: 'permission denied' },
              { path: 'open/secret', why: 'permission denied' },
            ],
          },
        ],
      });
      expect(tool('sh', '-c', 'cd "$1" && find . -type f | sort', 'sh', join(out, 'shared')).trim().split('\n')).toEqual([
        './open/one',
        './two',
      ]);
      // Both sides have directories now that cannot be read. What came back is owned by another than it was, so it is not the same.
      const same = await roots([...args, '--json'], { uid: 1000 });
      expect((same.json as Restore).items).toMatchObject([
        { path: 'srv/shared/closed', result: 'refused', error: 'permission denied' },
        { path: 'srv/shared/open/one', result: 'refused', error: 'it exists' },
        { path: 'srv/shared/open/secret', result: 'failed' },
        { path: 'srv/shared/two', result: 'refused', error: 'it exists' },
      ]);
      const again = await roots(['restore', '/srv/shared', '--from', from, '--to', join(out, 'again'), '--config', config], { uid: 1000 });
      expect(again.stdout).toMatch(/^failed {3}.*\/again\/closed: permission denied$/m);
      expect(again.stdout).toMatch(/1 item restored, 2 failed\.$/m);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});
