/** `roots pin` and `roots unpin`: what is pinned stays, and nothing else changes. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDirectoryArchive } from '../fixtures/directory-archive.ts';
import { buildFieldArchive } from '../fixtures/field-archive.ts';
import { requires } from '../support/requirements.ts';
import type { Failure, List, ListedRoot, Prune } from './contracts.ts';
import { roots, writeConfig, writeDirectoryConfig } from './roots.ts';

const KEEP_ONE = '[targets.root.keep]\nlast = 1';

interface Pinnable {
  readonly config: string;
  /** Oldest first. */
  readonly names: readonly string[];
  /** What is in the archive that is no old root. */
  readonly unparseable: string;
  /** By the names of trees; the archive's own state is not among them. */
  state(): Promise<Readonly<Record<string, string>>>;
  close(): void;
}

function pinning(open: () => Promise<Pinnable>): void {
  let archive: Pinnable;
  beforeAll(async () => {
    archive = await open();
  });
  afterAll(() => archive.close());

  const run = async (...args: string[]) => roots([...args, '--json', '--config', archive.config]);
  const listed = async (name: string): Promise<ListedRoot | undefined> =>
    ((await run('ls')).json as List).roots.find((root) => root.name === name);

  it('pins with a note, once; unpins, once; and changes no tree', async () => {
    const before = await archive.state();
    const name = archive.names[1]!;
    const first = await run('pin', name, '--note', 'before the upgrade');
    expect(first).toMatchObject({ status: 0, json: { target: 'root', name, pinned: true, changed: true } });
    expect((await run('pin', name, '--note', 'before the upgrade')).json).toMatchObject({ changed: false });
    expect(await listed(name)).toMatchObject({
      pinned: true,
      note: 'before the upgrade',
      keep: true,
      reasons: expect.arrayContaining(['pinned']) as string[],
    });
    expect((await run('pin', name, '--note', 'other words')).json).toMatchObject({ changed: true });
    expect(await listed(name)).toMatchObject({ note: 'other words' });
    expect((await run('unpin', name)).json).toMatchObject({ name, pinned: false, changed: true });
    expect((await run('unpin', name)).json).toMatchObject({ changed: false });
    expect(await listed(name)).toMatchObject({ pinned: false, note: null, keep: false });
    expect(await archive.state()).toEqual(before);
  });

  it('what is pinned is never removed, at no time, and counts like any other', async () => {
    const [pinned, other] = [archive.names[0]!, archive.names[2]!];
    const plain = ((await run('prune', '--dry-run')).json as Prune).targets[0]!;
    await run('pin', pinned);
    const plan = ((await run('prune', '--dry-run')).json as Prune).targets[0]!;
    expect(plan.remove.map(({ name }) => name)).toEqual(plain.remove.map(({ name }) => name).filter((name) => name !== pinned));
    const later = ((await run('prune', '--at', '2050-01-01')).json as Prune).targets[0]!;
    expect(later.keep).toContainEqual({ name: pinned, reasons: expect.arrayContaining(['pinned']) as string[] });
    expect((await run('prune', '--yes')).status).toBe(0);
    expect(await listed(pinned)).toMatchObject({ pinned: true, note: '' });
    expect(await listed(other)).toBeUndefined();
  });

  it('the archive keeps the pins of its own, unseen', async () => {
    const { json } = await run('ls');
    expect(JSON.stringify((json as List).unrecognised)).not.toContain('.roots');
  });

  it('a note that is not harmless never reaches the terminal raw', async () => {
    await run('pin', 'latest', '--note', 'red \u001b[31m\nand \u202e more');
    for (const args of [['ls'], ['show', 'latest'], ['prune', '--dry-run']]) {
      const { stdout } = await roots([...args, '--config', archive.config]);
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
    expect((await run('show', 'latest')).json).toMatchObject({ note: 'red \u001b[31m\nand \u202e more' });
    await run('unpin', 'latest');
  });

  it('only one old root that is meant for sure can be pinned', async () => {
    for (const [ref, status, kind] of [
      ['nothing', 10, 'not-found'],
      ['live', 2, 'usage'],
      ['blank', 2, 'usage'],
      ['20', 2, 'usage'],
      [archive.unparseable, 2, 'usage'],
    ] as const) {
      const result = await run('pin', ref);
      expect([ref, result.status, (result.json as Failure).error.kind]).toEqual([ref, status, kind]);
    }
  });
}

requires.btrfs('pins on btrfs', () =>
  pinning(async () => {
    const field = await buildFieldArchive({ now: new Date(), odd: { future: false } });
    return {
      config: writeConfig(field, KEEP_ONE),
      names: field.boots.map(({ name }) => name),
      unparseable: field.odd.unparseable!,
      state: async () =>
        Object.fromEntries(
          Object.entries(await field.snapshotState()).filter(([path]) => path !== 'old_roots' && path !== 'old_roots/.roots'),
        ),
      close: () => field.close(),
    };
  }),
);

describe('pins in directories', () =>
  pinning(async () => {
    const directory = await buildDirectoryArchive({ now: new Date() });
    return {
      config: writeDirectoryConfig(directory, KEEP_ONE),
      names: directory.roots.map(({ name }) => name),
      unparseable: directory.odd.unparseable,
      state: async () =>
        Promise.resolve(
          Object.fromEntries(Object.entries(directory.snapshotState()).filter(([path]) => path !== join('archive', '.roots'))),
        ),
      close: () => directory.close(),
    };
  }));
