import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { fromText, type BytePath } from '../../../src/byte-path.ts';
import type { Change } from '../../../src/diff/change.ts';
import { walkDiff, type Problem, type WalkOptions } from '../../../src/diff/walk.ts';
import { RootsError } from '../../../src/errors.ts';
import { fakeReader, treeOf, type FakeNode, type FakeReader } from './fake-tree.ts';

type Children = Readonly<Record<string, FakeNode>>;

interface Outcome {
  readonly changes: readonly Change[];
  readonly lines: readonly string[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly reader: FakeReader;
}

async function diff(
  from: Children | null,
  to: Children | null,
  options: WalkOptions & { xattrs?: Error; root?: FakeNode } = {},
): Promise<Outcome> {
  const reader = fakeReader({ a: { ...options.root, children: from ?? {} }, b: { children: to ?? {} } }, options);
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const changes: Change[] = [];
  const reports = { problems: (problem: Problem) => problems.push(problem), warnings: (text: string) => warnings.push(text) };
  for await (const change of walkDiff(reader, from === null ? null : treeOf('a'), to === null ? null : treeOf('b'), {
    ...options,
    ...reports,
  })) {
    changes.push(change);
  }
  expect(reader.opened.size).toBe(0);
  return { changes, lines: changes.map(lineOf), problems, warnings, reader };
}

function lineOf({ path, kind, type, what }: Change): string {
  return [kind, type, path, ...(what.length === 0 ? [] : [what.join(',')])].join(' ');
}

const within = (path: string): BytePath => fromText(path);

describe('walkDiff', () => {
  it('lists all that is below an added or removed directory', async () => {
    const tree = { d: { children: { e: { children: { f: { content: 'x' } } }, g: { target: 'f' } } } };
    expect((await diff({}, tree)).lines).toEqual(['added directory d', 'added directory d/e', 'added file d/e/f', 'added symlink d/g']);
    expect((await diff(tree, {})).lines).toEqual([
      'removed directory d',
      'removed directory d/e',
      'removed file d/e/f',
      'removed symlink d/g',
    ]);
    expect((await diff(null, tree)).lines).toHaveLength(4);
    expect((await diff(tree, null)).lines).toHaveLength(4);
  });

  it('goes in byte order by component', async () => {
    const tree = { 'a.txt': {}, a: { children: { z: {} } }, 'a!': {}, '\xff': {}, Z: {}, '\xc3\xa4': {} };
    expect((await diff(null, tree)).changes.map((change) => change.path)).toEqual(['Z', 'a', 'a/z', 'a!', 'a.txt', '\xc3\xa4', '\xff']);
  });

  it('gives a changed type alone, and then the content of the directory', async () => {
    const directory = { x: { mode: 0o700, children: { y: {} } } };
    const link = { x: { target: 'y' } };
    expect((await diff(directory, link)).lines).toEqual(['modified symlink x type', 'removed file x/y']);
    expect((await diff(link, directory)).lines).toEqual(['modified directory x type', 'added file x/y']);
  });

  it('compares what is in a directory that became a subvolume', async () => {
    const plain: Children = { x: { children: { y: {}, old: {} } } };
    const nested: Children = { x: { type: 'subvolume', children: { y: {}, new: {} } } };
    expect((await diff(plain, nested)).lines).toEqual(['modified subvolume x type', 'added file x/new', 'removed file x/old']);
  });

  it('names every aspect, in their order', async () => {
    const { changes } = await diff(
      { f: { content: 'a', mode: 0o4755, uid: 1n, ctimeNs: 5n, xattrs: { 'user.a': '00', 'system.posix_acl_access': '01' } } },
      { f: { content: 'bc', gid: 1n, mtimeNs: 2n, ctimeNs: 6n, xattrs: {} } },
    );
    expect(changes).toEqual([
      {
        path: 'f',
        kind: 'modified',
        type: 'file',
        what: ['content', 'mode', 'owner', 'mtime', 'xattr', 'acl'],
        size: 2,
        ownership: { user: true, group: true },
      },
    ]);
  });

  it('reads contents only of files of one size whose times differ by a nanosecond', async () => {
    const { lines, reader } = await diff(
      { a: { content: 'x' }, b: { content: 'x' }, c: { content: 'x' }, d: { content: 'x' }, e: { content: 'x' } },
      {
        a: { content: 'y' },
        b: { content: 'y', ctimeNs: 2n },
        c: { content: 'x', ctimeNs: 2n },
        d: { content: 'y', mtimeNs: 2n },
        e: { content: 'long' },
      },
    );
    // `a` cannot be on a real filesystem: it shows that the file was not read.
    expect(lines).toEqual(['modified file b content', 'modified file d content,mtime', 'modified file e content']);
    expect(reader.contentsRead.sort()).toEqual(['a/b', 'a/c', 'a/d']);
  });

  it('never takes the same device and inode for the same file', async () => {
    expect((await diff({ f: { content: 'x', ino: 7n } }, { f: { content: 'y', ino: 7n, ctimeNs: 2n } })).lines).toEqual([
      'modified file f content',
    ]);
  });

  it('trusts no ctime that two inodes share', async () => {
    expect((await diff({ f: { content: 'x', ino: 7n } }, { f: { content: 'y', ino: 8n } })).lines).toEqual(['modified file f content']);
  });

  it('reports no mtime for directories and symlinks, but the target and the device numbers', async () => {
    const { lines } = await diff(
      { d: { children: {} }, l: { target: 'a' }, m: { target: 'a' }, n: { type: 'block', rdev: 1n }, o: { type: 'char', rdev: 1n } },
      {
        d: { children: {}, mtimeNs: 9n },
        l: { target: 'a', mtimeNs: 9n },
        m: { target: 'b', ctimeNs: 9n },
        n: { type: 'block', rdev: 2n },
        o: { type: 'char', rdev: 1n },
      },
    );
    expect(lines).toEqual(['modified symlink m target', 'modified block n content']);
  });

  it('keeps the order although attributes are read in few batches', async () => {
    const names = Array.from({ length: 5000 }, (_, index) => `n${String(index).padStart(5, '0')}`);
    const side = (ctimeNs: bigint): Children =>
      Object.fromEntries(names.map((name, index) => [name, { ctimeNs, xattrs: index % 2 === 0 ? { 'user.x': String(ctimeNs) } : {} }]));
    const { changes, reader } = await diff(side(1n), { ...side(2n), n00007x: {} });
    expect(changes.map((change) => change.path)).toEqual([...names.filter((_, index) => index % 2 === 0), 'n00007x'].sort());
    expect(reader.batches).toEqual([2000, 2000, 2000, 2000, 1000, 1000]);
  });

  it('says once that attributes cannot be read, and goes on', async () => {
    const names = Array.from({ length: 4500 }, (_, index) => String(index));
    const side = (ctimeNs: bigint): Children => Object.fromEntries(names.map((name) => [name, { ctimeNs }]));
    const { lines, warnings } = await diff({ ...side(1n), z: {} }, side(2n), {
      xattrs: new RootsError('unsupported', 'the program `getfattr` is not installed'),
    });
    expect(lines).toEqual(['removed file z']);
    expect(warnings).toEqual(['extended attributes and ACLs were not compared: the program `getfattr` is not installed']);
  });

  it('fails if the attributes were not understood', async () => {
    const error = new RootsError('failed', 'not understood');
    await expect(diff({ a: {} }, { a: { ctimeNs: 2n } }, { xattrs: error })).rejects.toBe(error);
  });

  it.each(['stat', 'list'] as const)('reports what cannot be read (%s) and compares neither it nor what is below it', async (fails) => {
    const { lines, problems } = await diff({ d: { children: { x: {} } }, e: {} }, { d: { fails, children: {} } });
    expect(lines).toEqual(['removed file e']);
    expect(problems).toEqual([{ path: 'd', side: 'to', why: fails === 'stat' ? 'vanished while it was read' : 'permission denied' }]);
  });

  it('reports unreadable contents and attributes, and what is known nevertheless', async () => {
    const { lines, problems } = await diff(
      { f: { content: 'x', mode: 0o600 }, g: {} },
      { f: { content: 'y', fails: 'read', ctimeNs: 3n } },
    );
    expect(lines).toEqual(['modified file f mode', 'removed file g']);
    expect(problems.map(({ path, side }) => `${side} ${path}`)).toEqual(['to f', 'to f']);
  });

  it('does not go below a mount, and says so where that hides something', async () => {
    const mounted: Children = { m: { mounted: true, mode: 0o700, children: { hidden: {} } } };
    expect((await diff(null, mounted)).lines).toEqual(['added directory m']);
    const both = await diff({ m: { children: { x: {} } } }, mounted);
    expect(both.lines).toEqual(['modified directory m mode']);
    expect(both.problems.map(({ path, side }) => `${side} ${path}`)).toEqual(['to m']);
    expect((await diff(mounted, { m: { children: {} } })).problems).toEqual([]);
    expect((await diff(mounted, mounted)).problems).toEqual([]);
  });

  it('compares the roots only if asked', async () => {
    expect((await diff({}, {}, { root: { mode: 0o777 } })).lines).toEqual([]);
    expect((await diff({}, {}, { root: { mode: 0o777, type: 'subvolume' }, includeRoot: true })).lines).toEqual([
      'modified directory  mode',
    ]);
  });

  describe('within', () => {
    const from: Children = { d: { children: { e: { children: { f: {}, g: {} } }, h: {} } }, l: { target: 'd' } };
    const to: Children = { d: { children: { e: { children: { f: { mode: 0 } } } } }, l: { target: 'd' } };

    it('compares a directory or a file', async () => {
      expect((await diff(from, to, { within: within('/d/./e/') })).lines).toEqual(['modified file d/e/f mode', 'removed file d/e/g']);
      expect((await diff(from, to, { within: within('d/e/f') })).lines).toEqual(['modified file d/e/f mode']);
      expect((await diff(from, to, { within: within('/') })).lines).toHaveLength(3);
    });

    it('takes what one side lacks as added or removed', async () => {
      expect((await diff(from, to, { within: within('d/h') })).lines).toEqual(['removed file d/h']);
      expect((await diff(to, from, { within: within('d/h') })).lines).toEqual(['added file d/h']);
      expect((await diff(null, from, { within: within('d/e') })).lines).toEqual([
        'added directory d/e',
        'added file d/e/f',
        'added file d/e/g',
      ]);
    });

    it('follows no link, and refuses `..` and what neither tree has', async () => {
      await expect(diff(from, to, { within: within('l/e') })).rejects.toMatchObject({ kind: 'not-found' });
      await expect(diff(from, to, { within: within('nothing') })).rejects.toMatchObject({ kind: 'not-found' });
      await expect(diff(from, to, { within: within('d/../d') })).rejects.toMatchObject({ kind: 'usage' });
    });
  });

  it('is interrupted by its signal, before and during', async () => {
    await expect(diff({}, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: 'interrupted' });
    const stop = new AbortController();
    const reader = fakeReader({
      b: { children: Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`d${String(n)}`, { children: { f: {} } }])) },
    });
    const walk = async (): Promise<void> => {
      for await (const change of walkDiff(reader, null, treeOf('b'), { signal: stop.signal })) if (change.path === 'd0') stop.abort();
    };
    await expect(walk()).rejects.toMatchObject({ kind: 'interrupted' });
    expect(reader.opened.size).toBe(0);
  });

  it('closes everything when the consumer stops early', async () => {
    const children = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`d${String(n)}`, { children: { f: { content: 'x' } } }]));
    const changed = Object.fromEntries(Object.keys(children).map((name) => [name, { children: { f: { content: 'y', ctimeNs: 2n } } }]));
    const reader = fakeReader({ a: { children }, b: { children: { ...changed, a: {} } } });
    for await (const change of walkDiff(reader, treeOf('a'), treeOf('b'))) {
      expect(change.path).toBe('a');
      break;
    }
    expect(reader.opened.size).toBe(0);
  });

  it('is not found if a tree is not there', async () => {
    const reader = fakeReader({});
    await expect(walkDiff(reader, treeOf('a'), null).next()).rejects.toMatchObject({ kind: 'not-found' });
  });
});

const leaf = fc.oneof(
  fc.record({ content: fc.constantFrom('', 'x', 'y', 'xy'), mode: fc.constantFrom(0o644, 0o755), ctimeNs: fc.bigInt(1n, 3n) }),
  fc.record({ target: fc.constantFrom('a', 'b'), ctimeNs: fc.bigInt(1n, 3n) }),
  fc.record({ type: fc.constantFrom('fifo', 'socket', 'char'), rdev: fc.bigInt(0n, 1n), uid: fc.bigInt(0n, 1n) }),
);
const name = fc.constantFrom('a', 'a.', 'a!', 'b', '\n', '\xff', '\\', 'z');
const { tree } = fc.letrec<{ tree: Children; node: FakeNode }>((tie) => ({
  node: fc.oneof({ maxDepth: 4 }, leaf as fc.Arbitrary<FakeNode>, fc.record({ children: tie('tree') }) as fc.Arbitrary<FakeNode>),
  tree: fc.dictionary(name, tie('node'), { maxKeys: 5 }),
}));

function pathsOf(children: Children, prefix = ''): string[] {
  return Object.entries(children).flatMap(([key, node]) => [prefix + key, ...pathsOf(node.children ?? {}, `${prefix}${key}/`)]);
}

const paths = (changes: readonly Change[], kind: Change['kind']): string[] =>
  changes.filter((change) => change.kind === kind).map((change) => change.path);
const byComponent = (a: string, b: string): number => (a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1);

describe('walkDiff, on any two trees', () => {
  it('finds nothing between a tree and itself', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (a) => {
        expect((await diff(a, a)).changes).toEqual([]);
      }),
    );
  });

  it('adds what only the second has, removes what only the first has, in order, and is mirrored', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, async (a, b) => {
        const { changes, problems } = await diff(a, b);
        const inA = new Set(pathsOf(a));
        const inB = new Set(pathsOf(b));
        expect(problems).toEqual([]);
        expect(paths(changes, 'added').sort()).toEqual([...inB].filter((path) => !inA.has(path)).sort());
        expect(paths(changes, 'removed').sort()).toEqual([...inA].filter((path) => !inB.has(path)).sort());
        expect(paths(changes, 'modified').every((path) => inA.has(path) && inB.has(path))).toBe(true);
        expect(changes.map((change) => change.path)).toEqual(changes.map((change) => change.path as string).sort(byComponent));
        const back = (await diff(b, a)).changes;
        expect(back.map(({ path, kind, what }) => [path, mirrored(kind), what])).toEqual(
          changes.map(({ path, kind, what }) => [path, kind, what]),
        );
      }),
      { numRuns: 300 },
    );
  });
});

function mirrored(kind: Change['kind']): Change['kind'] {
  return kind === 'added' ? 'removed' : kind === 'removed' ? 'added' : kind;
}
