import { describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import type { Change } from '../../../src/diff/change.ts';
import { withRenames } from '../../../src/diff/renames.ts';
import { walkDiff } from '../../../src/diff/walk.ts';
import { fakeReader, treeOf, type FakeNode } from './fake-tree.ts';

type Children = Readonly<Record<string, FakeNode>>;

async function diff(
  from: Children,
  to: Children,
  mayPair?: (gone: Change, added: Change) => boolean,
): Promise<{ lines: string[]; warnings: string[] }> {
  const reader = fakeReader({ a: { children: from }, b: { children: to } });
  const warnings: string[] = [];
  const reports = { problem: () => undefined, warning: (text: string) => void warnings.push(text) };
  const trees = { from: treeOf('a'), to: treeOf('b') };
  const changes: Change[] = [];
  for await (const change of withRenames(walkDiff(reader, trees.from, trees.to), reader, trees, { reports, mayPair })) changes.push(change);
  expect(reader.opened.size).toBe(0);
  return {
    warnings,
    lines: changes.map(({ kind, path, from: old, what }) =>
      [kind, ...(old === undefined ? [] : [old]), path, ...(what.length === 0 ? [] : [what.join(',')])].join(' '),
    ),
  };
}

const file = (ino: bigint, content = 'x', more: FakeNode = {}): FakeNode => ({
  type: 'file',
  ino,
  content,
  size: 1n,
  ctimeNs: ino,
  ...more,
});
const directory = (ino: bigint, children: Children): FakeNode => ({ type: 'directory', ino, children, ctimeNs: ino });

describe('withRenames', () => {
  it('makes one change of what is gone here and new there, and says what else has changed about it', async () => {
    expect((await diff({ a: file(1n), z: file(2n) }, { b: file(1n), c: file(2n, 'y', { ctimeNs: 9n }) })).lines).toEqual([
      'renamed a b',
      'renamed z c content',
    ]);
    expect((await diff({ a: file(1n) }, { b: file(2n) })).lines).toEqual(['removed a', 'added b']);
  });

  it('does not take what is of another type, or has several names, for renamed', async () => {
    expect((await diff({ a: file(1n) }, { b: directory(1n, {}) })).lines).toEqual(['removed a', 'added b']);
    expect((await diff({ a: file(1n) }, { b: file(1n), c: file(1n) })).lines).toEqual(['removed a', 'added b', 'added c']);
    expect((await diff({ a: file(1n), b: file(1n) }, { c: file(1n) })).lines).toEqual(['removed a', 'removed b', 'added c']);
  });

  it('tells nothing of what came along with its directory, but for what has changed in it', async () => {
    const before = {
      old: directory(1n, { kept: file(2n), changed: file(3n), moved: file(4n), gone: file(5n), d: directory(6n, { deep: file(7n) }) }),
    };
    const after = {
      new: directory(1n, {
        kept: file(2n),
        changed: file(3n, 'y', { ctimeNs: 9n }),
        fresh: file(8n),
        d: directory(6n, { deep: file(7n) }),
      }),
      'out of it': file(4n),
    };
    expect((await diff(before, after)).lines).toEqual([
      'renamed old new',
      'modified new/changed content',
      'added new/fresh',
      'removed old/gone',
      'renamed old/moved out of it',
    ]);
    expect((await diff(after, before)).lines).toEqual([
      'removed new/fresh',
      'renamed new old',
      'modified old/changed content',
      'added old/gone',
      'renamed out of it old/moved',
    ]);
  });

  it('does not tell as one what may not be, nor what is in another filesystem or subvolume', async () => {
    const [before, after] = [
      { a: file(1n), b: file(2n) },
      { 'a.bak': file(1n), c: file(2n) },
    ];
    const mayPair = (_: Change, { path }: Change): boolean => !path.endsWith('.bak');
    expect((await diff(before, after, mayPair)).lines).toEqual(['removed a', 'added a.bak', 'renamed b c']);
    const snapshot: FakeNode = { type: 'subvolume', ino: 9n, dev: 7n, children: { a: file(1n, 'x', { dev: 7n }) } };
    expect((await diff({ a: file(1n), b: file(2n) }, { b: file(2n), snapshot })).lines).toEqual([
      'removed a',
      'added snapshot',
      'added snapshot/a',
    ]);
  });

  it('passes everything on where there is too much to hold, and says so', async () => {
    const many = Object.fromEntries(Array.from({ length: 50_001 }, (_, at) => [`f${String(at)}`, file(BigInt(at + 10))]));
    const { lines, warnings } = await diff({ a: file(1n) }, { b: file(1n), ...many });
    expect(lines).toHaveLength(50_003);
    expect(lines[0]).toBe('removed a');
    expect(warnings).toEqual([expect.stringContaining('renames were not looked for')]);
  });

  it('takes names as bytes', async () => {
    expect((await diff({ '\xff': file(1n) }, { '\xfe\n': file(1n) })).lines).toEqual([`renamed \xff ${fromText('')}\xfe\n`]);
  });
});
