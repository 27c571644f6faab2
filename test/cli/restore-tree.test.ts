/** A large tree of every kind of entry, restored and compared by the programs of others. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { differencesOf, writeManyEntries } from '../fixtures/many-entries.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Restore } from './contracts.ts';
import { roots, writeConfig } from './roots.ts';

const ENTRIES = 20_000;

requires.btrfs('a tree of 20,000 entries of every kind', () => {
  let field: FieldArchive;
  let config: string;
  let boot: string;
  let source: string;
  const live = (): string => join(field.sysroot, 'srv/tree');
  const restore = async (...args: string[]) => {
    const { status, stderr, json } = await roots(['restore', live(), '--from', boot, '--json', '--config', config, ...args]);
    return { status, stderr, items: (json as Restore).items };
  };

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date(), sizeMiB: 768 });
    config = writeConfig(field, '');
    boot = field.boots.at(-1)!.name;
    source = join(field.image.mount({}, join(field.scratch, 'kept')), 'old_roots', boot, 'srv/tree');
    mkdirSync(source, { recursive: true });
    writeManyEntries(source, ENTRIES);
  });
  afterAll(() => field.close());

  it('comes back as it was', async () => {
    expect(await restore()).toMatchObject({ status: 0, stderr: '', items: [{ result: 'restored', lost: [], missing: [] }] });
    expect(tool('find', live(), '-mindepth', '1', '-printf', '.')).toHaveLength(ENTRIES);
    expect(differencesOf(source, live())).toBe('');
  });

  it('comes back into what is left of it', async () => {
    for (const gone of ['d3/e4', 'd4/e1', 'd9/e2', 'd9/e8', 'd20/e10', 'd31/fifo']) rmSync(join(live(), gone));
    const { status, items } = await restore();
    expect([status, items.filter(({ result }) => result === 'restored')]).toMatchObject([0, { length: 6 }]);
    // What was there stays as it is, so the times of directories that something came into are of now.
    const lines = differencesOf(source, live()).split('\n');
    expect(lines.filter((line) => !/^(?:\.d\.\.t\.* |[<>] \.\/d?\d* d |\d+(?:,\d+)?c\d+|---|$)/.test(line))).toEqual([]);
  });

  it('is told from one that is not the same', () => {
    renameSync(join(live(), 'd50/e30'), join(live(), 'd50/other'));
    tool('setfattr', '-x', 'user.note', join(live(), 'd51/e8'));
    expect(differencesOf(source, live())).toContain('d50/other');
    expect(differencesOf(source, live())).toMatch(/^\.f\.{8}x d51\/e8$/m);
  });
});
