import { linkSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import type { Context } from '../../../src/operations/context.ts';
import { Applying, type RestoreItem } from '../../../src/operations/restore-apply.ts';
import { readEntry } from '../../../src/system/entry.ts';
import { run } from '../../../src/system/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
let root: string;
let live: string;
beforeEach(() => {
  scratch = makeScratch();
  [root, live] = [join(scratch.path, 'root'), join(scratch.path, 'live')];
  for (const path of [root, live]) mkdirSync(path);
  writeFileSync(join(root, 'a'), 'old');
  linkSync(join(root, 'a'), join(root, 'b'));
  writeFileSync(join(live, 'a'), 'old');
});
afterEach(() => scratch.remove());

function item(name: string, action: RestoreItem['action']): RestoreItem {
  const destination = fromText(join(live, name));
  const step = { source: fromText(name), destination, type: 'file', size: 3, entries: null, why: null, isBeside: false } as const;
  return { ...step, action, before: readEntry(destination), root: fromText(root), from: {} as RestoreItem['from'] };
}

const started = (backup: string | null = null): Applying =>
  new Applying({ run, signal: new AbortController().signal } as unknown as Context, { inPlace: true, backup });

async function applied(items: readonly RestoreItem[]): Promise<void> {
  const applying = started();
  await applying.learn(items);
  for (const each of items) expect(await applying.apply(each)).toMatchObject({ error: null });
  await applying.finish();
}

it('a name of a file that is there already becomes a name of that', async () => {
  await applied([item('a', 'same'), item('b', 'create')]);
  expect(lstatSync(join(live, 'b')).ino).toBe(lstatSync(join(live, 'a')).ino);
});

it('a name of a file that was there when it was planned, and is another now, is copied', async () => {
  const items = [item('a', 'same'), item('b', 'create')];
  writeFileSync(join(live, 'new'), 'new');
  renameSync(join(live, 'new'), join(live, 'a'));
  await applied(items);
  expect([readFileSync(join(live, 'a'), 'utf8'), readFileSync(join(live, 'b'), 'utf8')]).toEqual(['new', 'old']);
  expect(lstatSync(join(live, 'b')).nlink).toBe(1);
});

describe('a file that is to be replaced under several of its names', () => {
  beforeEach(() => {
    writeFileSync(join(live, 'a'), 'mine');
    linkSync(join(live, 'a'), join(live, 'b'));
    linkSync(join(live, 'a'), join(live, 'c'));
  });

  it.each([null, '.mine'])('is, under each of them (backup: %j)', async (backup) => {
    const items = [item('a', 'replace'), item('b', 'replace')];
    const applying = started(backup);
    await applying.learn(items);
    for (const each of items) expect(await applying.apply(each)).toMatchObject({ result: 'restored', error: null });
    expect(['a', 'b', 'c'].map((name) => readFileSync(join(live, name), 'utf8'))).toEqual(['old', 'old', 'mine']);
    expect(lstatSync(join(live, 'b')).ino).toBe(lstatSync(join(live, 'a')).ino);
    if (backup !== null) expect(['a', 'b'].map((name) => readFileSync(join(live, `${name}${backup}`), 'utf8'))).toEqual(['mine', 'mine']);
  });

  it.each([
    ['before', 0],
    ['after', 1],
  ])('stays if it is written to %s the first name is replaced', async (_, written) => {
    const items = [item('a', 'replace'), item('b', 'replace')];
    const applying = started();
    await applying.learn(items);
    const errors: unknown[] = [];
    for (const [at, each] of items.entries()) {
      if (at === written) writeFileSync(join(live, 'c'), 'meanwhile');
      errors.push((await applying.apply(each)).error);
    }
    const changed = 'what is there has changed meanwhile; it is left as it is';
    expect(errors).toEqual(written === 0 ? [changed, changed] : [null, changed]);
    expect(readFileSync(join(live, 'b'), 'utf8')).toBe('meanwhile');
  });
});
