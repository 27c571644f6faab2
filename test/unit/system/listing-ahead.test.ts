import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText, joinPath, toBytes, type BytePath } from '../../../src/byte-path.ts';
import { FindProcess } from '../../../src/system/find-process.ts';
import { ListingAhead } from '../../../src/system/listing-ahead.ts';

let folder: BytePath;
const closing: { close(): void }[] = [];
const closedAfter = <T extends { close(): void }>(each: T): T => {
  closing.push(each);
  return each;
};

beforeEach(() => {
  folder = fromText(mkdtempSync(join(tmpdir(), 'roots-find-')));
});
afterEach(() => {
  for (const each of closing.splice(0)) each.close();
  rmSync(folder, { recursive: true });
});

const at = (...names: readonly string[]): BytePath => joinPath(folder, ...(names as BytePath[]));
const namesOf = (listing: Awaited<ReturnType<FindProcess['list']>>): string[] | undefined =>
  listing?.entries.map(({ name }) => name).sort();

describe('FindProcess', () => {
  it('lists one directory after the other, whatever their names are and however many entries they have', async () => {
    const names = ['a', ' ', 'line\nbreak', '\xff', '-depth', '\\c', '.hidden', 'find', "quo'te", '%f'];
    for (const name of names) mkdirSync(toBytes(at(name)));
    for (let number = 0; number < 3000; number += 1) writeFileSync(toBytes(at('a', `file ${String(number)}`)), '');
    const find = closedAfter(new FindProcess());
    expect(namesOf(await find.list(folder))).toEqual([...names].sort());
    const all = await Promise.all([...names.map((name) => find.list(at(name))), find.list(folder)]);
    expect(all.map((each) => each?.entries.length)).toEqual([3000, ...names.slice(1).map(() => 0), names.length]);
    expect(find.pending).toBe(0);
  });

  it('gives up at its first complaint, and answers all that was asked', async () => {
    mkdirSync(toBytes(at('there')));
    const find = closedAfter(new FindProcess());
    const answers = await Promise.all(['there', 'missing', 'there'].map((name) => find.list(at(name))));
    expect(answers.map(namesOf)).toEqual([[], undefined, undefined]);
    expect(find.ended).toBe(true);
    expect(await find.list(at('there'))).toBeNull();
  });

  it('takes a name that looks like a complaint for one', async () => {
    writeFileSync(toBytes(at('find: ')), '');
    expect(await closedAfter(new FindProcess()).list(folder)).toBeNull();
  });

  it('answers null where it cannot be started', async () => {
    const { PATH } = process.env;
    process.env['PATH'] = '/nonexistent';
    try {
      const find = closedAfter(new FindProcess());
      expect(await find.list(folder)).toBeNull();
    } finally {
      process.env['PATH'] = PATH;
    }
  });
});

describe('ListingAhead', () => {
  it('has listed what is wanted, in that order, and knows what is no longer', async () => {
    for (const name of ['a', 'b', 'c']) {
      mkdirSync(toBytes(at(name)));
      writeFileSync(toBytes(at(name, `in ${name}`)), '');
    }
    const ahead = closedAfter(new ListingAhead());
    ahead.want(['a', 'b', 'c'].map((name) => at(name)));
    ahead.forget([at('c')]);
    expect(namesOf(await ahead.list(at('b')))).toEqual(['in b']);
    expect(namesOf(await ahead.list(at('a')))).toEqual(['in a']);
    expect(namesOf(await ahead.list(at('c')))).toEqual(['in c']);
    expect(namesOf(await ahead.list(folder))).toEqual(['a', 'b', 'c']);
  });

  it('goes on after a complaint, and not after many', async () => {
    mkdirSync(toBytes(at('there')));
    const ahead = closedAfter(new ListingAhead());
    const answers: unknown[] = [];
    for (let count = 0; count < 12; count += 1) {
      answers.push(await ahead.list(at('missing')));
      answers.push(namesOf(await ahead.list(at('there'))));
    }
    expect(answers.slice(0, 4)).toEqual([null, [], null, []]);
    expect(answers.slice(-2)).toEqual([null, undefined]);
  });

  it('is slower than find, not stuck, where much is wanted that nobody asks for', async () => {
    for (let number = 0; number < 30; number += 1) {
      mkdirSync(toBytes(at(String(number))));
      for (let file = 0; file < 1000; file += 1) symlinkSync('x', toBytes(at(String(number), String(file))));
    }
    const ahead = closedAfter(new ListingAhead());
    ahead.want(Array.from({ length: 30 }, (_, number) => at(String(number))));
    expect(namesOf(await ahead.list(at('29')))).toHaveLength(1000);
    ahead.forget(Array.from({ length: 29 }, (_, number) => at(String(number))));
    expect(namesOf(await ahead.list(at('3')))).toHaveLength(1000);
  });
});
