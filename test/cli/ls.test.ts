/** `roots ls` and `roots show` on an archive as the field has it, with the top level unmounted and without a configuration. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromBytes, fromText, joinPath, toBytes, type BytePath } from '../../src/byte-path.ts';
import { run } from '../../src/system/run.ts';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { makeBtrfsImage } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { List, ListedRoot } from './contracts.ts';
import { onTerminal } from './on-terminal.ts';
import { roots, startRoots, traces, writeConfig } from './roots.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ROOT_KEYS = [
  'ageSeconds',
  'archivedAt',
  'archivedAtSource',
  'backend',
  'bootedAt',
  'exclusiveBytes',
  'id',
  'keep',
  'mounted',
  'name',
  'note',
  'pinned',
  'reasons',
  'ref',
  'sizeBytes',
  'target',
  'warnings',
];

/** Subvolumes that a user could have made: nothing of these may reach a terminal raw. */
const HOSTILE: readonly BytePath[] = [
  fromText('\u001b[2J\u001b[31mred'),
  fromText('two\nlines'),
  fromText('x\nID 999 gen 9 parent 5 top level 5 uuid 00000000-0000-0000-0000-000000000000 path root'),
  fromText('2026-01-01_00:00:00\n2026-01-02_00:00:00'),
  fromText('right\u202eleft'),
  fromText('bell\u0007'),
  fromBytes(Buffer.from([0x63, 0x61, 0x66, 0xe9])),
  fromBytes(Buffer.from([0x9b, 0x33, 0x31, 0x6d])),
  fromText('x'.repeat(200)),
];

requires.btrfs('roots ls on btrfs', () => {
  let field: FieldArchive;

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date() });
  });
  afterAll(() => field.close());

  /** Of the fixture's target alone: other filesystems may be mounted too. */
  const ls = async (...more: string[]): Promise<List & { readonly target: string }> => {
    const { status, stderr, json } = await roots(['ls', '--json', ...more], { onlyBtrfs: field.device });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const list = json as List;
    const ids = new Set(field.boots.map((boot) => boot.uuid));
    const target = list.roots.find((root) => ids.has(root.id))?.target ?? '';
    const own = <T extends { readonly target: string }>(all: readonly T[]): T[] => all.filter((each) => each.target === target);
    return { target, roots: own(list.roots), trash: own(list.trash), unrecognised: own(list.unrecognised), warnings: list.warnings };
  };

  it('lists every old root once, with its true time, newest first', async () => {
    const { roots: listed } = await ls();
    const byName = new Map(listed.map((root) => [root.name, root]));
    for (const boot of field.boots) {
      expect(byName.get(boot.name)).toMatchObject({ archivedAt: boot.time.toISOString(), archivedAtSource: 'name', id: boot.uuid });
    }
    expect(listed.map((root) => root.name).sort()).toEqual([...field.boots.map((boot) => boot.name), field.odd.future].sort());
    const times = listed.map((root) => root.archivedAt);
    expect(times).toEqual(times.toSorted().reverse());
  });

  it('keeps the contract of --json: these keys, these types, null for what is not known', async () => {
    const { stdout } = await roots(['ls', '--json'], { onlyBtrfs: field.device });
    const list = JSON.parse(stdout) as List;
    expect(Object.keys(list).sort()).toEqual(['roots', 'trash', 'unrecognised', 'warnings']);
    for (const root of list.roots) {
      expect(Object.keys(root).sort()).toEqual(ROOT_KEYS);
      expectTypes(root);
    }
    for (const other of list.unrecognised) expect(Object.keys(other).sort()).toEqual(['name', 'target', 'why']);
  });

  function expectTypes(root: ListedRoot): void {
    expect(root.archivedAt).toMatch(ISO);
    expect(new Date(root.archivedAt).toISOString()).toBe(root.archivedAt);
    expect(root.bootedAt ?? '2026-01-01T00:00:00.000Z').toMatch(ISO);
    expect(root.ref).toBe(`${root.target}:${root.name}`);
    expect(Number.isInteger(root.ageSeconds)).toBe(true);
    expect([typeof root.pinned, typeof root.mounted, typeof root.keep]).toEqual(['boolean', 'boolean', 'boolean']);
    expect(root.reasons.length).toBeGreaterThan(0);
    expect(root.warnings).toBeInstanceOf(Array);
  }

  it('does not pass the making of the fixture off as a boot: that was after the root was archived', async () => {
    const { roots: listed } = await ls();
    const old = listed.filter((root) => root.name !== field.odd.future);
    expect(old.map((root) => root.bootedAt)).toEqual(old.map(() => null));
    // Without quotas nobody knows sizes, and a guess is worse than nothing.
    expect(listed.map((root) => [root.sizeBytes, root.exclusiveBytes, root.note])).toEqual(listed.map(() => [null, null, null]));
    for (const root of listed)
      expect([root.id, root.backend, root.archivedAtSource]).toEqual([expect.stringMatching(UUID), 'btrfs', 'name']);
  });

  it('says why it leaves alone what is no old root, and says what it assumed', async () => {
    const { unrecognised, target } = await ls();
    expect(unrecognised).toEqual(
      [
        { target, name: field.odd.plainDirectory, why: 'a plain directory, not a subvolume' },
        { target, name: field.odd.unparseable, why: 'its name is not understood as a time' },
      ].sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1)),
    );
    const { stdout } = await roots(['ls'], { onlyBtrfs: field.device });
    for (const word of [field.device, 'live root root', 'blank root-blank', 'archive old_roots', 'not configured'])
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(word);
  });

  it('keeps what is dated in the future, with that reason, and warns of a root in a root', async () => {
    const { roots: listed } = await ls();
    const future = listed.find((root) => root.name === field.odd.future);
    expect(future).toMatchObject({ keep: true, reasons: expect.arrayContaining(['future']) as string[] });
    expect(future?.ageSeconds).toBeLessThan(0);
    const collision = listed.find((root) => root.name === field.odd.collision?.name);
    expect(collision).toMatchObject({ keep: true, warnings: [expect.stringContaining('`root`')] });
  });

  it('measures sizes when asked', async () => {
    const { roots: listed } = await ls('--size');
    for (const root of listed) {
      expect(root.sizeBytes).toBeGreaterThanOrEqual(root.exclusiveBytes ?? Number.NaN);
    }
    const special = field.boots.find((boot) => boot.special)?.name;
    expect(listed.find((root) => root.name === special)?.sizeBytes).toBeGreaterThan(3 * 1024 * 1024);
  });

  it('shows one old root under the same facts', async () => {
    const config = writeConfig(field, '');
    const { json: list } = await roots(['ls', '--json', '--config', config]);
    const { status, json } = await roots(['show', field.boots[3]!.name, '--json', '--config', config]);
    expect(status).toBe(0);
    const expected = (list as List).roots.find((root) => root.name === field.boots[3]!.name)!;
    expect(json).toMatchObject({ ...expected, ageSeconds: expect.any(Number) as number, readOnly: false, mountPoints: [] });
    expect(Object.keys(json as object)).toEqual(expect.arrayContaining(ROOT_KEYS));
  });

  it('leaves no mount behind, nor changes anything', async () => {
    const before = { traces: traces(field.device, field.scratch), state: await field.snapshotState() };
    for (const args of [
      ['ls', '--size'],
      ['show', 'latest'],
      ['ls', 'nothere'],
    ]) {
      await roots([...args, '--config', writeConfig(field, '')]);
      await roots(args, { onlyBtrfs: field.device });
    }
    expect({ traces: traces(field.device, field.scratch), state: await field.snapshotState() }).toEqual(before);
  });

  it('leaves no mount and no process behind when it is killed', async () => {
    const config = writeConfig(field, '');
    const before = traces(field.device, field.scratch);
    const ends = [];
    for (let round = 0; round < 20; round += 1) {
      const { child, end } = startRoots(['ls', '--json', '--config', config]);
      await sleep(5 + Math.random() * (round % 2 === 0 ? 145 : 395));
      child.kill('SIGKILL');
      // Its end is that of all its processes.
      ends.push((await end).signal);
      expect(traces(field.device, field.scratch)).toEqual(before);
    }
    expect(ends).toContain('SIGKILL');
    expect((await roots(['ls', '--config', config])).status).toBe(0);
  });

  it.each([80, 140])('fits a terminal of %i columns', async (columns) => {
    for (const args of [['ls'], ['ls', '--config', writeConfig(field, '[targets.root.keep]\ndaily = 3\nweekly = 20\nmonthly = 3')]]) {
      const { status, output } = await onTerminal(args, { columns, onlyBtrfs: field.device });
      expect(status).toBe(0);
      const lines = withoutColours(output).split('\n');
      expect(lines.length).toBeGreaterThan(30);
      expect(lines.filter((line) => line.length > columns)).toEqual([]);
    }
  });

  it('is coloured on a terminal, unless NO_COLOR says no; elsewhere not, unless FORCE_COLOR says so', async () => {
    const config = writeConfig(field, '[targets.root.prune]\nmax_age = "30d"');
    const args = ['ls', '--config', config];
    const terminal = { columns: 120 };
    expect((await onTerminal(args, terminal)).output).toMatch(COLOUR);
    expect((await onTerminal(args, { ...terminal, env: { NO_COLOR: '1' } })).output).not.toMatch(COLOUR);
    expect((await onTerminal(args, { ...terminal, env: { TERM: 'dumb' } })).output).not.toMatch(COLOUR);
    expect((await roots(args)).stdout).not.toContain('\u001b');
    expect((await roots(args, { env: { FORCE_COLOR: '1' } })).stdout).toMatch(COLOUR);
    expect((await roots(args, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stdout).not.toContain('\u001b');
    expect((await roots([...args, '--json'], { env: { FORCE_COLOR: '1' } })).stdout).not.toContain('\u001b');
  });

  it('a filesystem that cannot be looked at does not hide the others', async () => {
    const other = makeBtrfsImage({ sizeMiB: 128, dir: field.scratch });
    try {
      other.mount({}, join(field.scratch, 'other'));
      // Its device cannot be opened in this mount namespace.
      const script = 'mount --bind /dev/null "$1" && shift && exec "$@"';
      const { status, stdout } = await roots(['ls'], { within: ['unshare', '--mount', '--', 'sh', '-c', script, 'sh', other.device] });
      expect(stdout).toContain(field.boots[0]!.name);
      expect([0, 3]).toContain(status);
    } finally {
      other.close();
    }
  });

  requires.root('with hostile names in the archive', () => {
    beforeAll(async () => {
      await field.withTopLevel(async (top) => {
        for (const name of HOSTILE) {
          const { status, stderr } = await run('btrfs', [
            'subvolume',
            'create',
            { path: joinPath(fromText(top), fromText('old_roots'), name) },
          ]);
          expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        }
        mkdirSync(toBytes(joinPath(fromText(top), fromText('old_roots/dir\u001b[1m'))));
        writeFileSync(join(top, 'old_roots', 'file\nname'), '');
      });
    });
    afterAll(async () => {
      await field.withTopLevel(async (top) => {
        for (const name of HOSTILE)
          await run('btrfs', ['subvolume', 'delete', { path: joinPath(fromText(top), fromText('old_roots'), name) }]);
        tool('rm', '-rf', '--', join(top, 'old_roots', 'dir\u001b[1m'), join(top, 'old_roots', 'file\nname'));
      });
    });

    it('lists them as not understood, byte for byte in --json, and the old roots as before', async () => {
      const { roots: listed, unrecognised } = await ls();
      expect(listed.map((root) => root.name).sort()).toEqual([...field.boots.map((boot) => boot.name), field.odd.future].sort());
      const named = unrecognised.map(({ name, nameBase64 }) =>
        nameBase64 === undefined ? fromText(name) : fromBytes(Buffer.from(nameBase64, 'base64')),
      );
      expect(named).toEqual(expect.arrayContaining([...HOSTILE]));
    });

    it('never writes a raw control character', async () => {
      for (const args of [['ls'], ['prune', '--dry-run', '--config', writeConfig(field, '[targets.root.prune]\nmax_age = "30d"')]]) {
        const { status, stdout, stderr } = await roots(args, { onlyBtrfs: field.device });
        expect(status).toBe(0);
        expect(stdout + stderr).not.toMatch(UNSAFE);
      }
      // JSON may be looked at on a terminal too, and can escape all of them.
      expect((await roots(['ls', '--json'], { onlyBtrfs: field.device })).stdout).not.toMatch(UNSAFE);
    });

    it('fits the terminal with them', async () => {
      const { output } = await onTerminal(['ls'], { columns: 80, onlyBtrfs: field.device, env: { NO_COLOR: '1' } });
      expect(output).not.toMatch(UNSAFE);
      expect(output.split('\n').filter((line) => line.length > 80)).toEqual([]);
    });
  });
});

const COLOUR = /\u001b\[\d+m/;
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

function withoutColours(text: string): string {
  return text.replaceAll(/\u001b\[\d*m/g, '');
}
