import { linkSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
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

async function applied(items: readonly RestoreItem[]): Promise<void> {
  const applying = new Applying({ run, signal: new AbortController().signal } as unknown as Context, { inPlace: true, backup: null });
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
