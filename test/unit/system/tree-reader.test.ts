import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { fromText, toBytes, type BytePath } from '../../../src/byte-path.ts';
import type { Change } from '../../../src/diff/change.ts';
import { Unreadable, type Directory, type Located, type TreeReader } from '../../../src/diff/tree.ts';
import { walkDiff, type Problem, type WalkOptions } from '../../../src/diff/walk.ts';
import { RootsError } from '../../../src/errors.ts';
import { run, type Run } from '../../../src/system/run.ts';
import { createTreeReader } from '../../../src/system/tree-reader.ts';

/** From how many entries on find lists. */
let few = 0;
const isRoot = process.getuid?.() === 0;
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'roots-walk-'));
const a = path.join(scratch, 'a');
const b = path.join(scratch, 'b');

const sh = (script: string): string => execFileSync('sh', ['-euc', script], { cwd: scratch, encoding: 'latin1' });

beforeEach(() => {
  sh('rm -rf a b outside*; mkdir a b');
});
afterAll(() => {
  execFileSync('rm', ['-rf', scratch]);
});

interface Outcome {
  readonly changes: readonly Change[];
  readonly lines: readonly string[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

async function diff(from: string | null, to: string | null, options: WalkOptions & { reader?: TreeReader } = {}): Promise<Outcome> {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const changes: Change[] = [];
  const tree = (place: string | null): { path: BytePath } | null => (place === null ? null : { path: fromText(place) });
  const reports = { problems: (problem: Problem) => problems.push(problem), warnings: (text: string) => warnings.push(text) };
  const reader = options.reader ?? createTreeReader(run, { few });
  for await (const change of walkDiff(reader, tree(from), tree(to), { ...options, ...reports })) changes.push(change);
  const lines = changes.map(({ path: at, kind, type, what }) => [kind, type, at, ...(what.length > 0 ? [what.join(',')] : [])].join(' '));
  return { changes, lines, problems, warnings };
}

const paths = (changes: readonly Change[]): string[] => changes.map((change) => change.path);

/** A copy with the same times, as a copied old root has; ctimes differ. */
const copy = (): string => sh('rm -rf b; cp -a a b');

describe.each([
  { listed: 'by calls of Node', from: Infinity },
  { listed: 'by find', from: 0 },
])('a walk of real trees, listed $listed', ({ from }) => {
  beforeEach(() => {
    few = from;
  });

  it('finds nothing between a tree and itself, or an exact copy', async () => {
    sh('mkdir -p a/d/e; echo 1 >a/f; echo 2 >a/d/g; ln -s f a/l; mkfifo a/p; setfattr -n user.x -v 1 a/f');
    copy();
    expect((await diff(a, a)).lines).toEqual([]);
    expect(await diff(a, b)).toEqual({ changes: [], lines: [], problems: [], warnings: [] });
  });

  it('finds each kind of change, both ways', async () => {
    sh(
      `cd a; for f in content mode mtime xattr acl gone; do echo $f >$f; done; echo 12345 >longer; ln -s x link; mkdir d type; echo 1 >d/below; echo 1 >type/below`,
    );
    copy();
    sh(`cd b; printf CONTENT >content; echo >>content; touch -r ../a/content content; chmod 4755 mode; touch -d @1.000000001 mtime
        setfattr -n user.x -v 1 xattr; setfacl -m u:1:rwx d; echo 6 >>longer; touch -r ../a/longer longer; ln -sfn y link
        rm -r gone type; ln -s d type; mkfifo pipe; mkdir new; echo 1 >new/below; setfacl -d -m u:1:r acl 2>/dev/null || setfacl -m u:1:r acl`);
    const there = await diff(a, b);
    expect(there.lines).toEqual([
      'modified file acl acl',
      'modified file content content',
      'modified directory d mode,acl',
      'removed file gone',
      'modified symlink link target',
      'modified file longer content',
      'modified file mode mode',
      'modified file mtime mtime',
      'added directory new',
      'added file new/below',
      'added fifo pipe',
      'modified symlink type type',
      'removed file type/below',
      'modified file xattr xattr',
    ]);
    expect(there.problems).toEqual([]);
    expect(there.changes.find((change) => change.path === 'longer')?.size).toBe(8);
    const back = await diff(b, a);
    expect(paths(back.changes)).toEqual(paths(there.changes));
    expect(back.lines).toContain('modified directory type type');
    expect(back.lines).toContain('added file type/below');
  });

  it.runIf(isRoot)('finds owners and device nodes', async () => {
    sh('cd a; touch u g same; mknod n b 7 1; mknod c c 1 3; mknod t b 7 1');
    copy();
    sh('cd b; chown 1 u; chgrp 1 g; rm n t; mknod n b 7 2; touch -r ../a/n n; mknod t c 7 1');
    expect((await diff(a, b)).lines).toEqual([
      'modified file g owner',
      'modified block n content',
      'modified char t type',
      'modified file u owner',
    ]);
  });

  it('carries names of any bytes, in their order, also to getfattr', async () => {
    const names = ['\x01', 'a', 'a\n', 'a ', 'a.b', '\\', '\xff\xfe', '\xc3\xa4', '-n', '*'];
    for (const name of names) {
      fs.mkdirSync(toBytes(`${b}/${name}` as BytePath));
      fs.writeFileSync(toBytes(`${b}/${name}/${name}` as BytePath), name);
    }
    const expected = [...names].sort().flatMap((name) => [name, `${name}/${name}`]);
    expect(paths((await diff(a, b)).changes)).toEqual(expected);
    expect(paths((await diff(b, null)).changes)).toEqual(expected);
    // The same names with changed attributes go through getfattr.
    for (const name of names) fs.chmodSync(toBytes(`${b}/${name}/${name}` as BytePath), 0o600);
    execFileSync('sh', ['-c', 'cp -a b/. a; for f in b/*/* b/-n/*; do setfattr -n user.x -v 1 "$f"; done'], { cwd: scratch });
    const { lines, problems } = await diff(a, b);
    expect(problems).toEqual([]);
    expect(lines).toEqual([...names].sort().map((name) => `modified file ${name}/${name} xattr`));
  });

  it('compares large and sparse files without holding them, and sees the last byte', async () => {
    sh('cd a; truncate -s 64M sparse; cp sparse other');
    copy();
    sh('cd b; printf x | dd of=other bs=1 seek=67108863 conv=notrunc status=none');
    expect((await diff(a, b)).lines).toEqual(['modified file other content,mtime']);
  });

  it('goes 10,000 levels down, past the longest path', { timeout: 300_000 }, async () => {
    const down = (place: string, then: string): void => {
      const steps =
        "const fs = require('fs'); for (let i = 0; i < 10000; i++) { fs.mkdirSync('dd', { recursive: true }); process.chdir('dd'); }";
      execFileSync(process.execPath, ['-e', `${steps} ${then}`], { cwd: place });
    };
    down(a, "fs.writeFileSync('end', '1')");
    const all = await diff(null, a);
    expect(all.problems).toEqual([]);
    expect(all.changes).toHaveLength(10_001);
    expect(all.changes.at(-1)?.path).toBe(`${'dd/'.repeat(10_000)}end`);
    expect((await diff(a, a)).changes).toEqual([]);
    // Every directory of both has another ctime, so that its attributes are read at that depth; so are the contents at the end.
    down(b, "fs.writeFileSync('end', '2'); require('child_process').execFileSync('setfattr', ['-n', 'user.x', '-v', '1', 'end']);");
    const two = await diff(a, b);
    expect(two.problems).toEqual([]);
    expect(two.changes).toHaveLength(1);
    expect(two.changes[0]).toMatchObject({
      path: `${'dd/'.repeat(10_000)}end`,
      what: expect.arrayContaining(['content', 'xattr']) as unknown,
    });
    expect(fs.readdirSync('/proc/self/fd').length).toBeLessThan(100);
  });

  it('follows no link, neither below nor on the way to a sub-path', async () => {
    sh('mkdir -p a/d b/d outside; echo 1 >outside/secret; ln -s ../outside a/l; ln -s ../outside b/l; ln -s ../../outside b/d/l');
    expect((await diff(a, b)).lines).toEqual(['added symlink d/l']);
    expect((await diff(a, b, { within: fromText('d/l') })).lines).toEqual(['added symlink d/l']);
    await expect(diff(a, b, { within: fromText('l/secret') })).rejects.toMatchObject({ kind: 'not-found' });
  });

  it('goes on when a file or a directory vanishes while it walks', async () => {
    // Find may have listed it before.
    few = Infinity;
    sh('mkdir -p a/m/x a/o; touch a/m/f a/o/f a/z');
    const { lines, problems } = await diff(null, a, { reader: meddling('o', () => sh('rm -r a/o')) });
    expect(lines).toEqual(['added directory m', 'added file m/f', 'added directory m/x', 'added directory o', 'added file z']);
    expect(problems).toEqual([{ path: 'o', side: 'to', why: 'vanished while it was read' }]);
  });

  it('leaves out what went between two looks', async () => {
    const reader = createTreeReader(run, { few });
    sh('mkdir -p a/d; cd a/d; for i in $(seq 3000); do : >$i; done');
    const root = await reader.open({ path: fromText(a) });
    const directory = await root.enter((await locate(root, 'd')).entry);
    const listed = [];
    for await (const some of directory.list()) {
      listed.push(...some);
      // Node looks at the rest later than it has listed it.
      if (listed.length === some.length) sh('cd a/d; rm $(ls | tail -n 1000)');
    }
    expect(listed.filter((each) => 'why' in each)).toEqual([]);
    expect(listed.length).toBe(few === 0 ? 3000 : 2000);
    root.close();
  });

  it('does not list what has taken the place of a directory', async () => {
    sh('mkdir -p a/o outside; touch outside/secret');
    const root = await createTreeReader(run, { few }).open({ path: fromText(a) });
    const { entry } = await locate(root, 'o');
    sh('rm -r a/o; ln -s ../outside a/o');
    const directory = await root.enter(entry);
    await expect(directory.list()[Symbol.asyncIterator]().next()).rejects.toThrow(Unreadable);
    sh('rm a/o; mkdir a/other a/o; touch a/o/other');
    await expect(directory.list()[Symbol.asyncIterator]().next()).rejects.toThrow(Unreadable);
    root.close();
  });

  it('does not go out of the tree by a directory that became a link', async () => {
    // Find may have listed it before.
    few = Infinity;
    sh('mkdir -p a/o outside2; touch a/o/f outside2/secret a/z');
    const { lines, problems } = await diff(null, a, { reader: meddling('o', () => sh('rm -r a/o; ln -s ../outside2 a/o')) });
    expect(lines).toEqual(['added directory o', 'added file z']);
    expect(problems).toEqual([{ path: 'o', side: 'to', why: 'changed while it was read' }]);
  });

  it('compares a file as it is now that was written after it was listed, and not what has taken its place', async () => {
    sh('echo 1 >a/f; echo 1 >b/f; touch -d @1 b/f');
    const reader = createTreeReader(run, { few });
    const [from, to] = await Promise.all([reader.open({ path: fromText(a) }), reader.open({ path: fromText(b) })]);
    const [first, second] = await Promise.all([locate(from, 'f'), locate(to, 'f')]);
    expect(await reader.sameContent(first, second)).toBe(true);
    sh('rm b/f; mkfifo b/f');
    await expect(reader.sameContent(first, second)).rejects.toMatchObject({ why: 'changed while it was read', located: second });
    sh('rm b/f; ln -s ../a/f b/f');
    await expect(reader.sameContent(first, second)).rejects.toBeInstanceOf(Unreadable);
    sh('chmod 600 a/f');
    const third = await locate(to, 'f').then(() => locate(from, 'f'));
    expect(await reader.sameContent(first, third)).toBe(true);
    sh('rm b/f; echo 1 >b/f; touch -d @1 b/f');
    const fourth = await locate(to, 'f');
    sh('echo 2 >b/f');
    expect(await reader.sameContent(first, fourth)).toBe(false);
    sh('echo 1 >b/f');
    expect(await reader.sameContent(first, fourth)).toBe(true);
    sh('echo longer >b/f');
    expect(await reader.sameContent(first, fourth)).toBe(false);
    // The other is still there, so that its number is not given again.
    sh('mv b/f b/g; echo 1 >b/f');
    await expect(reader.sameContent(first, fourth)).rejects.toMatchObject({ why: 'changed while it was read', located: fourth });
  });

  it('says so when getfattr is missing', async () => {
    sh('echo 1 >a/f');
    copy();
    const missing: Run = () => Promise.reject(new RootsError('unsupported', 'the program `getfattr` is not installed'));
    const { lines, warnings } = await diff(a, b, { reader: createTreeReader(missing, { few }) });
    expect(lines).toEqual([]);
    expect(warnings).toEqual(['extended attributes and ACLs were not compared: the program `getfattr` is not installed']);
  });

  it('is interrupted in the middle of a comparison', async () => {
    sh('truncate -s 1G a/f; truncate -s 1G b/f; touch -d @1 b/f');
    const stop = new AbortController();
    setImmediate(() => {
      stop.abort();
    });
    await expect(diff(a, b, { signal: stop.signal })).rejects.toMatchObject({ kind: 'interrupted' });
  });

  it('agrees with rsync on what differs', async (context) => {
    // rsync is another opinion, not a dependency of the tool.
    if (!fs.existsSync('/usr/bin/rsync')) context.skip('rsync is not installed');
    sh('cd a; mkdir -p d/e k; echo 1 >d/f; echo 1 >d/same; echo 1 >k/x; ln -s a l; mkfifo p; echo 1 >x; echo 1 >y; echo 1 >t');
    copy();
    sh(
      'cd b; echo 22 >d/f; rm -r k; ln -sfn b l; chmod 700 d/e; setfattr -n user.x -v 1 x; setfacl -m u:1:r y; touch -d @5 t; mkdir n; echo 1 >n/o',
    );
    const listing = execFileSync('rsync', ['-naHAXi', '--delete', `${b}/`, a], { encoding: 'utf8' })
      .trimEnd()
      .split('\n');
    const others = listing
      .filter((line) => !line.startsWith('.d..t......'))
      .map((line) =>
        line
          .slice(12)
          .replace(/ -> .*$/, '')
          .replace(/\/$/, ''),
      )
      .filter((line) => line !== '.');
    expect([...paths((await diff(a, b)).changes)].sort()).toEqual(others.sort());
  });

  it('gives the right sets, in order and mirrored, for any two small trees', { timeout: 300_000 }, async () => {
    const entry = fc.record({
      path: fc.array(fc.constantFrom('a', 'b', 'a.', '\xff', '\n'), { minLength: 1, maxLength: 3 }),
      kind: fc.constantFrom('file', 'link', 'fifo'),
      content: fc.constantFrom('x', 'y'),
    });
    const trees = fc.array(entry, { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(trees, trees, async (one, two) => {
        for (const [place, entries] of [
          [a, one],
          [b, two],
        ] as const) {
          fs.rmSync(place, { recursive: true });
          fs.mkdirSync(place);
          for (const { path: names, kind, content } of entries) make(place, names, kind, content);
        }
        const inA = listed(a);
        const inB = listed(b);
        const { changes, problems } = await diff(a, b);
        const of = (kind: Change['kind']): string[] => paths(changes.filter((change) => change.kind === kind));
        expect(problems).toEqual([]);
        expect(of('added').sort()).toEqual(inB.filter((at) => !inA.includes(at)).sort());
        expect(of('removed').sort()).toEqual(inA.filter((at) => !inB.includes(at)).sort());
        expect(paths((await diff(b, a)).changes)).toEqual(paths(changes));
        expect((await diff(a, a)).changes).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

function make(place: string, names: readonly string[], kind: string, content: string): void {
  const parent = toBytes([fromText(place), ...names.slice(0, -1)].join('/') as BytePath);
  const itself = toBytes([fromText(place), ...names].join('/') as BytePath);
  try {
    fs.mkdirSync(parent, { recursive: true });
    if (kind === 'file') fs.writeFileSync(itself, content, { flag: 'wx' });
    else if (kind === 'link') fs.symlinkSync(content, itself);
    else fs.mkdirSync(itself);
  } catch (error) {
    // Two made-up entries may want the same name: the first has it.
    if (!(error instanceof Error && 'code' in error && ['EEXIST', 'ENOTDIR', 'EISDIR', 'ENOENT'].includes(String(error.code)))) throw error;
  }
}

function listed(place: string): string[] {
  return execFileSync('find', [place, '-mindepth', '1', '-printf', '%P\\0'], { encoding: 'latin1' }).split('\0').slice(0, -1);
}

async function locate(directory: Directory, name: string): Promise<Located> {
  const entry = await directory.lookup(fromText(name));
  if (entry === null) throw new Error(`${name} is not there`);
  return directory.locate(entry);
}

/** The real reader, with something done to the tree between listing a directory and entering one of its entries. */
function meddling(name: string, meddle: () => void): TreeReader {
  const reader = createTreeReader(run, { few });
  return {
    ...reader,
    open: async (tree) => {
      const root = await reader.open(tree);
      return {
        self: root.self,
        list: () => root.list(),
        lookup: (at) => root.lookup(at),
        locate: (entry) => root.locate(entry),
        enter: async (entry) => {
          if (entry.name === name) meddle();
          return root.enter(entry);
        },
        close: () => {
          root.close();
        },
      };
    },
  };
}
