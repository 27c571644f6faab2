import { describe, expect, it } from 'vitest';
import { fromText, type BytePath } from '../../../src/byte-path.ts';
import type { Change } from '../../../src/diff/change.ts';
import type { Contents, FileContent } from '../../../src/diff/unified.ts';
import { snapperStatus } from '../../../src/ui/diff-names.ts';
import { TreeView } from '../../../src/ui/diff-tree.ts';
import { DiffView } from '../../../src/ui/diff-view.ts';
import { formatPatch } from '../../../src/ui/patch.ts';
import { Progress } from '../../../src/ui/progress.ts';
import { placeOf, rankOf } from '../../../src/ui/surprise.ts';
import { screenOf } from '../../../src/ui/terminal.ts';

const SCREEN = screenOf({}, {});
const HIDDEN = { store: 0, mounted: 0, persisted: 0, ignored: 0 };

const change = (path: string, more: Partial<Change> = {}): Change => ({
  path: path as BytePath,
  kind: 'added',
  type: 'file',
  what: [],
  ...more,
});
const directory = (path: string, more: Partial<Change> = {}): Change => change(path, { type: 'directory', ...more });

function shown(View: typeof DiffView | typeof TreeView, changes: readonly Change[], recursive = false): string[] {
  const lines: string[] = [];
  const view = new View(SCREEN, { recursive, write: (line) => lines.push(line) });
  for (const each of changes) view.add(each);
  const last = view.end(HIDDEN).split('\n');
  return [...lines, ...last];
}

describe('the view by place', () => {
  it("has somebody's own first and what makes itself last, and in a place what is largest", () => {
    const lines = shown(DiffView, [
      change('etc/fstab', { size: 10 }),
      directory('home'),
      directory('home/alice'),
      directory('home/alice/.cache'),
      change('home/alice/.cache/large', { size: 1 << 30 }),
      change('home/alice/letter', { size: 20 }),
      change('home/alice/thesis', { size: 2048 }),
      change('tmp/x', { size: 1 << 30 }),
    ]);
    expect(lines).toEqual([
      '/home/alice/  new, 4 added, 1.0 GiB',
      '  + /home/alice/thesis  2.0 KiB',
      '  + /home/alice/letter  20 B',
      '  + /home/alice/.cache/  1 entry, 1.0 GiB',
      '',
      '/etc/  1 added, 10 B',
      '  + /etc/fstab  10 B',
      '',
      '/tmp/  1 added, 1.0 GiB',
      '  + /tmp/x  1.0 GiB',
      '',
      '8 added.',
    ]);
  });

  it('has a line for a directory that is new or gone, and for each change with --recursive', () => {
    const changes = [
      directory('etc/a', { kind: 'removed' }),
      change('etc/a/b', { kind: 'removed' }),
      directory('srv'),
      change('srv/x', { kind: 'renamed', from: fromText('etc/x'), what: ['mode'] }),
    ];
    expect(shown(DiffView, changes)).toEqual([
      '/srv/  new, 1 renamed',
      '  > /etc/x → /srv/x  mode',
      '',
      '/etc/  2 removed',
      '  - /etc/a/  1 entry',
      '',
      '1 added, 2 removed, 1 renamed.',
    ]);
    expect(shown(DiffView, changes, true).filter((line) => line.startsWith('  '))).toEqual([
      '  + /srv/',
      '  > /etc/x → /srv/x  mode',
      '  - /etc/a/',
      '  - /etc/a/b',
    ]);
  });

  it('says what has changed about a place itself, and what was moved into what is new', () => {
    const changes = [
      directory('etc', { kind: 'modified', what: ['mode'] }),
      directory('etc/new'),
      change('etc/new/a', { kind: 'renamed', from: fromText('etc/a') }),
      change('etc/new/b', { size: 1 }),
      directory('var', { kind: 'modified', what: ['owner'] }),
      change('var/log/x'),
    ];
    const lines = shown(DiffView, changes);
    for (const line of ['  ~ /etc/  mode', '  + /etc/new/  1 entry, 1 B', '  > /etc/a → /etc/new/a', '  ~ /var/  owner'])
      expect(lines).toContain(line);
    expect(lines).not.toContain('  + /etc/new/b  1 B');
  });

  it('shows a place that is empty with that which it is in, and not that which holds places', () => {
    expect(shown(DiffView, [directory('home'), directory('home/bob'), directory('mnt')])).toEqual([
      '/  1 added',
      '  + /mnt/',
      '',
      '/home/  new, 1 added',
      '  + /home/bob/',
      '',
      '3 added.',
    ]);
  });

  it('says how many more there are in a place, and shows them when asked', () => {
    const changes = Array.from({ length: 40 }, (_, at) => change(`etc/${String(at).padStart(2, '0')}`));
    expect(shown(DiffView, changes)).toHaveLength(1 + 20 + 1 + 1 + 1);
    expect(shown(DiffView, changes)[21]).toBe('  … and 20 more, which --recursive shows');
    expect(shown(DiffView, changes, true)).toHaveLength(1 + 40 + 1 + 1);
    expect(shown(DiffView, changes.slice(0, 21)).filter((line) => line.startsWith('  +'))).toHaveLength(21);
  });

  it('knows the place and the rank of a path', () => {
    expect(['home/alice/x', 'var/lib/a/b', 'etc/a/b', 'x', 'var/x'].map((path) => placeOf(path as BytePath, false))).toEqual([
      'home/alice',
      'var/lib',
      'etc',
      '',
      'var',
    ]);
    const rank = (path: string): number => rankOf(path as BytePath);
    expect(['home/a/x', 'srv/x', 'etc/x', 'var/lib/x', 'var/log/x', 'home/a/.cache/x', 'etc/machine-id'].map(rank)).toEqual([
      0, 0, 1, 1, 2, 3, 3,
    ]);
  });
});

describe('the tree', () => {
  it('has each change where it is', () => {
    expect(
      shown(TreeView, [
        directory('etc/a'),
        change('etc/a/b', { size: 3 }),
        change('etc/c\u001b[31m', { kind: 'modified', what: ['content'] }),
        change('x/y/z', { kind: 'removed' }),
      ]),
    ).toEqual([
      '/',
      '├── etc/',
      '│   ├── + a/  1 entry, 3 B',
      '│   └── ~ c\\e[31m  content',
      '└── x/',
      '    └── y/',
      '        └── - z',
      '',
      '2 added, 1 removed, 1 modified.',
    ]);
    expect(shown(TreeView, [])).toEqual(['No differences.']);
    // More than a call takes arguments.
    const many = Array.from({ length: 200_000 }, (_, at) => change(`mail/${String(at)}`, { kind: 'modified', what: ['mode'] }));
    expect(shown(TreeView, many)).toHaveLength(200_004);
  });
});

describe('the status of snapper', () => {
  it('has a letter for each aspect', () => {
    const status = (more: Partial<Change>): string => snapperStatus(change('a', { kind: 'modified', ...more })).toString();
    expect(status({ kind: 'added' })).toBe('+..... /a\n');
    expect(status({ kind: 'removed' })).toBe('-..... /a\n');
    expect(status({ what: ['content', 'mode', 'xattr'] })).toBe('cp..x. /a\n');
    expect(status({ what: ['target', 'owner'], ownership: { user: true, group: false } })).toBe('c.u... /a\n');
    expect(status({ what: ['owner', 'acl'], ownership: { user: false, group: true } })).toBe('...g.a /a\n');
    expect(status({ what: ['type'] })).toBe('t..... /a\n');
    expect(status({ what: ['mtime'] })).toBe('...... /a\n');
    expect(status({ kind: 'renamed', from: fromText('b\n') })).toBe('-..... /b\\n\n+..... /a\n');
  });
});

describe('a patch', () => {
  const text = (content: string): FileContent => ({ kind: 'text', text: content as BytePath });
  const patch = async (contents: Contents, raw = false): Promise<string> =>
    (await formatPatch(change('etc/f', { kind: 'modified' }), contents, SCREEN, raw)).toString('latin1');

  it('is what diff -u says, for new and removed files too', async () => {
    expect(await patch({ from: text('a\nb\nc\n'), to: text('a\nB\nc') })).toBe(
      '--- a/etc/f\n+++ b/etc/f\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n+B\n+c\n\\ No newline at end of file\n',
    );
    expect(await patch({ from: null, to: text('x\n') })).toBe('--- /dev/null\n+++ b/etc/f\n@@ -0,0 +1 @@\n+x\n');
    expect(await patch({ from: text('x\n'), to: null })).toBe('--- a/etc/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n');
    expect(await patch({ from: text('x'), to: text('x') })).toBe('');
  });

  it('has every byte for other programs, and nothing that a terminal should not get for people', async () => {
    const contents = { from: text(''), to: text('\ttab \x1b[31m \xff\r\n') };
    expect(await patch(contents, true)).toContain('+\ttab \x1b[31m \xff\r\n');
    const shownToPeople = await patch(contents);
    expect(shownToPeople).toContain('+\ttab \\e[31m');
    expect(shownToPeople).not.toMatch(/[\x1b\r]/);
  });

  it('says why there is none', async () => {
    expect(await patch({ from: text('a'), to: { kind: 'binary', bytes: 2048 } })).toBe('  binary, 2.0 KiB\n');
    expect(await patch({ from: { kind: 'large', bytes: 1 << 21 }, to: null })).toBe('  too large to show, 2.0 MiB\n');
    expect(await patch({ from: { kind: 'unreadable', why: 'EIO' }, to: null })).toBe('  cannot be read: EIO\n');
    const noise = (seed: number): string => Array.from({ length: 60_000 }, (_, at) => String((at * seed) % 65_537)).join('\n');
    expect(await patch({ from: text(noise(7919)), to: text(noise(104_729)) })).toBe('  too different to compare line by line\n');
  });
});

describe('progress', () => {
  it('is one line after a second, with a rate, that goes in the end', () => {
    let now = 0;
    const written: string[] = [];
    const make = (isTTY: boolean): Progress =>
      new Progress(
        { isTTY, write: (text) => written.push(text) },
        { width: 20, style: (_, text) => text },
        (count, rate) => `${String(count)} at ${String(rate)}`,
        () => now,
      );
    const progress = make(true);
    for (now = 0; now < 1000; now += 50) progress.update(now);
    expect(written).toEqual([]);
    for (now = 1000; now < 1300; now += 50) progress.update(now * 2);
    expect(written).toEqual(['\r\x1b[K2000 at 2000', '\r\x1b[K2200 at 2000', '\r\x1b[K2400 at 2000']);
    progress.clear();
    progress.clear();
    expect(written.slice(3)).toEqual(['\r\x1b[K']);
    const quiet = make(false);
    now = 5000;
    quiet.update(1);
    expect(written).toHaveLength(4);
  });
});
