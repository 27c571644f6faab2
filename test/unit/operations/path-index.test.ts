import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BytePath } from '../../../src/byte-path.ts';
import type { Directory, TreeReader } from '../../../src/diff/tree.ts';
import { PathIndex } from '../../../src/operations/path-index.ts';
import { fakeReader, type FakeNode } from '../diff/fake-tree.ts';

const TREE = { path: 'tree' as BytePath };
const file: FakeNode = { type: 'file', content: '' };
const directory = (children: Record<string, FakeNode>, more: FakeNode = {}): FakeNode => ({ type: 'directory', children, ...more });

describe('PathIndex', () => {
  it('has all paths of a tree, those of nested subvolumes too, and closes what it has opened', async () => {
    const reader = fakeReader({
      tree: directory({
        a: directory({ b: directory({ c: file }), d: file }),
        e: { type: 'symlink', target: 'a' },
        s: directory({ in: file }, { type: 'subvolume' }),
      }),
    });
    const index = new PathIndex(reader, TREE);
    await index.ended;
    expect([...index.paths].sort()).toEqual(['a/', 'a/b/', 'a/b/c', 'a/d', 'e', 's/', 's/in']);
    expect([index.isComplete, index.isCut, reader.opened.size]).toEqual([true, false, 0]);
  });

  it('does not go into what is mounted there', async () => {
    const reader = fakeReader({ tree: directory({ m: directory({ hidden: file }, { mounted: true }) }) });
    const index = new PathIndex(reader, TREE);
    await index.ended;
    expect(index.paths).toEqual(['m/']);
  });

  it('goes on past what cannot be read', async () => {
    const reader = fakeReader({ tree: directory({ a: directory({ b: file }, { fails: 'list' }), c: directory({ d: file }) }) });
    const index = new PathIndex(reader, TREE);
    await index.ended;
    expect([...index.paths].sort()).toEqual(['a/', 'c/', 'c/d']);
    expect([index.isCut, reader.opened.size]).toEqual([false, 0]);
  });

  it('holds no more than it may', async () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f${String(at).padStart(2, '0')}`, file]));
    const reader = fakeReader({ tree: directory({ a: directory(many), b: directory(many) }) });
    const index = new PathIndex(reader, TREE, { most: 10 });
    await index.ended;
    expect([index.paths.length, index.isCut, reader.opened.size]).toEqual([10, true, 0]);
  });

  it('ends where there is no tree, and when it is closed', async () => {
    const missing = new PathIndex(fakeReader({}), TREE);
    await missing.ended;
    expect([missing.paths.length, missing.isComplete]).toEqual([0, true]);
    const reader = fakeReader({ tree: directory({ a: directory({ b: file }) }) });
    const closed = new PathIndex(reader, TREE);
    await closed.close();
    expect(reader.opened.size).toBe(0);
  });

  it('is waited for as long as there is nothing to show, and not after that', async () => {
    const fake = fakeReader({ tree: directory({ a: directory({ b: directory({ c: file }) }) }) });
    const doors: (() => void)[] = [];
    const slow: TreeReader = {
      ...fake,
      open: async (tree) => slowed(await fake.open(tree)),
    };
    const slowed = (of: Directory): Directory => ({
      ...of,
      enter: async (entry) => {
        await new Promise<void>((resolve) => doors.push(resolve));
        return slowed(await of.enter(entry));
      },
    });
    const index = new PathIndex(slow, TREE);
    const { signal } = new AbortController();
    const settled: string[] = [];
    const settle = async (name: string, path: string, until = signal): Promise<void> => {
      await index.settle(5, () => index.paths.includes(path as BytePath), until);
      settled.push(name);
    };
    const given = new AbortController();
    const waits = [settle('there', 'a/'), settle('deep', 'a/b/'), settle('nowhere', 'x'), settle('given up', 'x', given.signal)];
    await sleep(50);
    expect(settled).toEqual(['there']);
    doors.shift()?.();
    await sleep(50);
    expect(settled).toEqual(['there', 'deep']);
    given.abort();
    await sleep(50);
    expect(settled).toEqual(['there', 'deep', 'given up']);
    doors.shift()?.();
    await Promise.all(waits);
    expect(index.isComplete).toBe(true);
  });
});
