/**
 * The traps of the rollback snippets, by their numbers. T11 and T13 to T17 are of the boot, T18 is proved by the backend suite (`flush`), T19 and
 * T20 are of ZFS, T21 of reading mount tables (unit tests), T22 is in ls.test.ts (no mount is left), T23 to T28 are of names and times (unit tests).
 */
import { lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildFieldArchive, type ArchiveState, type FieldArchive } from '../fixtures/field-archive.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Diff, List, Prune } from './contracts.ts';
import { roots, writeConfig } from './roots.ts';

/** One root stays, the newest of the past: all the others go that may. */
const KEEP_ONE = '[targets.root.keep]\nlast = 1';
/** The forms of names in the field, all of one day long ago. */
const NAME_FORMS: readonly (readonly [name: string, time: string])[] = [
  ['2024-11-4_16:22:50', '2024-11-04T16:22:50.000Z'],
  ['2024-11-04_16:22:51', '2024-11-04T16:22:51.000Z'],
  ['2024-11-04_16-22-52', '2024-11-04T16:22:52.000Z'],
  ['2024-11-04T16:22:53Z', '2024-11-04T16:22:53.000Z'],
  ['20241104T162254', '2024-11-04T16:22:54.000Z'],
  ['1730737375', '2024-11-04T16:22:55.000Z'],
  ['2024-11-04_16:22:51_1', '2024-11-04T16:22:51.000Z'],
  ['1730737375_2', '2024-11-04T16:22:55.000Z'],
  ['root.bak-1730737377', '2024-11-04T16:22:57.000Z'],
  ['@root.bak-1730737378', '2024-11-04T16:22:58.000Z'],
];
const NO_TIMES = ['2024-13-04_16:22:50', '2024-02-30_10:00:00', '173073737', 'backup-2024-11-04', '2024-11-04_16:22:50.old', '2024-11-04'];

requires.btrfs('the traps, on an archive that has them', () => {
  let field: FieldArchive;
  let before: ArchiveState;
  let after: ArchiveState;
  let plan: Prune['targets'][number];
  let listed: List;
  let outcome: Prune['targets'][number];
  let status: number | null;

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date(), odd: { immutableRoot: true } });
    const config = writeConfig(field, KEEP_ONE);
    await field.withTopLevel((top) => {
      for (const name of [...NAME_FORMS.map(([form]) => form), ...NO_TIMES]) {
        tool('btrfs', 'subvolume', 'snapshot', join(top, 'root-blank'), join(top, 'old_roots', name));
      }
      // T2, T3: as old or as new as can be; neither says when a root was archived.
      const past = new Date('2001-01-01T00:00:00Z');
      for (const { name } of field.boots.slice(-10)) if (name !== field.odd.readOnly) utimesSync(join(top, 'old_roots', name), past, past);
      const now = new Date();
      for (const { name } of field.boots.slice(0, 10)) utimesSync(join(top, 'old_roots', name), now, now);
      utimesSync(join(top, 'old_roots'), past, past);
    });
    before = await field.snapshotState();
    listed = (await roots(['ls', '--json', '--config', config])).json as List;
    plan = ((await roots(['prune', '--dry-run', '--json', '--config', config])).json as Prune).targets[0]!;
    const result = await roots(['prune', '--yes', '--json', '--config', config]);
    ({ status } = result);
    outcome = (result.json as Prune).targets[0]!;
    after = await field.snapshotState();
  });
  afterAll(() => field.close());

  const namesOf = (all: readonly { readonly name: string }[]): string[] => all.map((each) => each.name);
  const removed = (): string[] => namesOf(outcome.remove.filter(({ result }) => result === 'removed'));

  it('removes exactly what it planned, and can', () => {
    expect(status).toBe(0);
    expect(namesOf(outcome.remove)).toEqual(namesOf(plan.remove));
    expect(removed().sort()).toEqual(namesOf(plan.remove).sort());
    expect(removed().length).toBe(field.boots.length - 2 + NAME_FORMS.length);
    const gone = new Set(removed().map((name) => `old_roots/${name}`));
    const expected = Object.fromEntries(Object.entries(before).filter(([path]) => path !== 'old_roots' && !gone.has(path)));
    // Its own folder is new: it keeps a log.
    const own = { old_roots: after['old_roots'], 'old_roots/.roots': after['old_roots/.roots'] };
    expect(after).toEqual({ ...expected, ...own });
  });

  it('T1: a plain directory in the archive is never taken for a root, and the subvolumes beside the archive stay', () => {
    const name = field.odd.plainDirectory!;
    expect(namesOf(listed.roots)).not.toContain(name);
    expect(listed.unrecognised).toContainEqual({ target: 'root', name, why: 'a plain directory, not a subvolume' });
    expect(outcome.skipped).toContainEqual({ name, why: 'a plain directory, not a subvolume' });
    for (const path of [`old_roots/${name}`, 'root', 'root-blank', 'nix', 'persist'])
      expect([path, after[path]]).toEqual([path, before[path]]);
  });

  it('T2, T5: the archive itself never matches, whatever its age', () => {
    expect(namesOf(listed.roots)).not.toContain('old_roots');
    const names = after['old_roots']?.split('\n').filter((name) => name !== '.roots');
    expect(names).toEqual(before['old_roots']?.split('\n').filter((name) => !removed().includes(name)));
  });

  it('T3: the mtime of a root decides nothing', () => {
    for (const boot of field.boots) {
      expect(listed.roots.find(({ name }) => name === boot.name)?.archivedAt).toBe(boot.time.toISOString());
    }
    // The newest has an mtime of 2001, the oldest one of today.
    expect(namesOf(outcome.keep)).toContain(field.boots.at(-1)!.name);
    expect(removed()).toContain(field.boots[0]!.name);
  });

  it('T4: a root that `mv` put into another is reported, and neither is removed', () => {
    const { name, holds } = field.odd.collision!;
    const root = listed.roots.find((each) => each.name === name);
    expect(root?.warnings.join()).toContain(`\`${holds}\``);
    expect(root).toMatchObject({ keep: true, reasons: expect.arrayContaining(['nested root']) as string[] });
    expect(outcome.keep).toContainEqual({ name, reasons: expect.arrayContaining(['nested root']) as string[] });
    expect(after[`old_roots/${name}`]).toBe(before[`old_roots/${name}`]);
  });

  it('T6: names whose day is not padded sort by their time', () => {
    const names = namesOf(listed.roots);
    expect(names.some((name) => /-\d_/.test(name))).toBe(true);
    expect(names).not.toEqual(names.toSorted().reverse());
    const times = listed.roots.map((root) => root.archivedAt);
    expect(times).toEqual(times.toSorted().reverse());
  });

  it.each(NAME_FORMS)('T7: the name %s is the time %s', (name, time) => {
    expect(listed.roots.find((root) => root.name === name)?.archivedAt).toBe(time);
  });

  it.each(NO_TIMES)('T7: the name %s is none, so it is reported and stays', (name) => {
    expect(listed.unrecognised).toContainEqual({ target: 'root', name, why: 'its name is not understood as a time' });
    expect(after[`old_roots/${name}`]).toBe(before[`old_roots/${name}`]);
  });

  it('T8: subvolumes nested in an old root go with it, and no others', async () => {
    expect(removed()).toContain(field.odd.nested!.name);
    const subvolumes = await field.withTopLevel((top) => tool('btrfs', 'subvolume', 'list', top));
    expect(subvolumes).not.toContain('var/lib/machines');
  });

  it('T10: an immutable var/empty does not stop a removal, nor an immutable or read-only root', () => {
    expect(removed()).toEqual(expect.arrayContaining([field.odd.immutableRoot, field.odd.readOnly]));
  });
});

requires.btrfs('T9: data in a subvolume that is nested in an old root', () => {
  let field: FieldArchive;
  let config: string;

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date() });
    config = writeConfig(field, '');
  });
  afterAll(() => field.close());

  it('T9: can be restored', async () => {
    const { name, file } = field.odd.nested!;
    const to = join(field.scratch, 'disk.img');
    const { status, stderr } = await roots(['restore', file, '--from', name, '--to', to, '--config', config], { cwd: field.sysroot });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(readFileSync(to, 'utf8')).toBe('the disk of a container\n');
  });

  it('T9: can be restored with the directories above it', async () => {
    const { name } = field.odd.nested!;
    const { status } = await roots(['restore', join(field.sysroot, 'var/lib/machines'), '--from', name, '--config', config]);
    expect(status).toBe(0);
    expect(readFileSync(join(field.sysroot, 'var/lib/machines/a/b/disk.img'), 'utf8')).toBe('the disk of a container\n');
  });

  it('T9: shows in a diff', async () => {
    const { name, file, trees } = field.odd.nested!;
    const { json } = await roots(['diff', name, '--json', '--config', config]);
    const { changes } = json as Diff;
    expect(changes).toContainEqual(expect.objectContaining({ path: file, kind: 'added', type: 'file' }));
    for (const path of trees) expect(changes).toContainEqual(expect.objectContaining({ path, kind: 'added', type: 'subvolume' }));
  });
});

requires.btrfs('T12: a machine that runs from its archive', () => {
  let field: FieldArchive;

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date(), odd: { liveFromArchive: true } });
  });
  afterAll(() => field.close());

  it('T12: the old root that is mounted as the live one is known as such, and never goes', async () => {
    const live = field.odd.liveFromArchive!;
    const config = writeConfig(field, '[targets.root.keep]\nlast = 1\n[targets.root.prune]\nmax_age = "1h"');
    const before = await field.snapshotState();
    const listed = ((await roots(['ls', '--json', '--config', config])).json as List).roots.find(({ name }) => name === live);
    expect(listed).toMatchObject({ mounted: true, keep: true, reasons: expect.arrayContaining(['mounted']) as string[] });
    // In ten years it would be far older than any rule keeps.
    const later = (await roots(['prune', '--at', '2046-01-01', '--json', '--config', config])).json as Prune;
    expect(later.targets[0]?.keep).toContainEqual({ name: live, reasons: expect.arrayContaining(['mounted']) as string[] });

    const { status, json } = await roots(['prune', '--yes', '--json', '--config', config]);
    expect(status).toBe(0);
    expect((json as Prune).targets[0]?.remove.map(({ name }) => name)).not.toContain(live);
    const after = await field.snapshotState();
    for (const path of [`old_roots/${live}`, 'root', 'root-blank', 'nix', 'persist'])
      expect([path, after[path]]).toEqual([path, before[path]]);
    writeFileSync(join(field.sysroot, 'still-here'), '');
    expect(lstatSync(join(field.sysroot, 'still-here')).isFile()).toBe(true);
  });

  it('T12: without a configuration too', async () => {
    const { json } = await roots(['ls', '--json'], { onlyBtrfs: field.device });
    const listed = (json as List).roots.filter(({ name }) => name === field.odd.liveFromArchive);
    expect(listed).toContainEqual(expect.objectContaining({ mounted: true, keep: true }));
  });
});

requires.btrfs('T1, T4: an archive that changes between the plan and the removal', () => {
  it('T1: a root that was exchanged for a plain directory is left alone', async () => {
    const field = await buildFieldArchive({ now: new Date() });
    try {
      const name = field.boots[0]!.name;
      await field.withTopLevel((top) => {
        renameSync(join(top, 'old_roots', name), join(top, 'old_roots', 'was-here'));
        mkdirSync(join(top, 'old_roots', name));
        writeFileSync(join(top, 'old_roots', name, 'precious'), 'data\n');
      });
      const { status } = await roots(['prune', '--yes', '--config', writeConfig(field, KEEP_ONE)]);
      expect(status).toBe(0);
      await field.withTopLevel((top) => {
        expect(readFileSync(join(top, 'old_roots', name, 'precious'), 'utf8')).toBe('data\n');
        expect(readdirSync(join(top, 'old_roots'))).toContain('was-here');
        expect(readdirSync(top).sort()).toEqual(['nix', 'old_roots', 'persist', 'root', 'root-blank']);
      });
    } finally {
      field.close();
    }
  });
});
