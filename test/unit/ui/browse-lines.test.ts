import { describe, expect, it } from 'vitest';
import { fromBytes, fromText, type BytePath } from '../../../src/byte-path.ts';
import type { BrowsedRoot } from '../../../src/operations/browse.ts';
import type { BrowsedEntry } from '../../../src/operations/open-root.ts';
import { entryLines, fullName, rootLines } from '../../../src/ui/browse-lines.ts';
import { shortenMiddle } from '../../../src/ui/terminal.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const options = (width: number) => ({ width, now: NOW, zone: 'UTC' });

function root(time: string, more: { booted?: string; sizeBytes?: number; target?: string } = {}): BrowsedRoot {
  const { booted, sizeBytes = null, target = 'root' } = more;
  const judged = { root: { archivedAt: new Date(time), bootedAt: booted === undefined ? null : new Date(booted) } };
  return {
    root: { judged, label: `${target}:x`, target: { name: target } },
    size: { sizeBytes, exclusiveBytes: null },
  } as unknown as BrowsedRoot;
}

function entry(path: BytePath, more: Partial<BrowsedEntry> = {}): BrowsedEntry {
  const at = BigInt(NOW.getTime()) * 1_000_000n;
  return {
    path,
    type: 'file',
    size: 2048,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeNs: at,
    ctimeNs: at,
    dev: 1n,
    ino: 1n,
    rdev: 0n,
    target: null,
    ...more,
  };
}

describe('rootLines', () => {
  it('says when it was, how long ago, how large it is and when its boot began, as far as that is known', () => {
    const roots = [root('2026-11-17T15:58:29Z', { booted: '2026-11-16T21:03:00Z', sizeBytes: 1 << 30 }), root('2026-11-10T08:00:00Z')];
    expect(rootLines(roots, options(77))).toEqual([
      '2026-11-17 15:58  2 days ago   1.0 GiB  booted 2026-11-16 21:03',
      '2026-11-10 08:00  10 days ago',
    ]);
  });

  it('names the targets if there are several', () => {
    expect(rootLines([root('2026-11-17T15:58:29Z', { target: 'home' }), root('2026-11-10T08:00:00Z')], options(77))).toEqual([
      '2026-11-17 15:58  2 days ago   home',
      '2026-11-10 08:00  10 days ago  root',
    ]);
  });
});

describe('entryLines', () => {
  it('has names, sizes and times in columns', () => {
    const entries = [
      entry(fromText('a/letters'), { type: 'directory' }),
      entry(fromText('a/notes.txt')),
      entry(fromText('a/now'), { type: 'symlink', target: fromText('/etc') }),
      entry(fromText('a/pipe'), { type: 'fifo' }),
    ];
    expect(entryLines(entries, 'names', options(77))).toEqual([
      'letters/             2026-11-20 12:00',
      'notes.txt   2.0 KiB  2026-11-20 12:00',
      'now → /etc     link  2026-11-20 12:00',
      'pipe           fifo  2026-11-20 12:00',
    ]);
  });

  it('escapes names, and cuts long ones in the middle', () => {
    const odd = entry(fromBytes(Buffer.from([0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xe9])));
    expect(entryLines([odd], 'paths', options(77))[0]).toMatch(/^\/\\e\[31m\\xe9 /);
    const long = entry(fromText(`deep/${'x'.repeat(255)}/end.txt`));
    for (const width of [40, 77, 137]) {
      const [line = ''] = entryLines([long], 'paths', options(width));
      expect(line.length).toBeLessThanOrEqual(width);
      expect(line).toMatch(/^\/dee.*…x*\/end\.txt /);
      expect(fullName(long, 'paths', line)).toBe(`/deep/${'x'.repeat(255)}/end.txt`);
    }
    expect(fullName(odd, 'paths', entryLines([odd], 'paths', options(77))[0] ?? '')).toBeNull();
  });
});

describe('shortenMiddle', () => {
  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdefgh', 6, 'ab…fgh'],
    ['abcdefgh', 1, '…'],
    ['😀😀😀😀', 3, '😀…😀'],
  ])('cuts %j to %i', (text, width, expected) => {
    const cut = shortenMiddle(text, width);
    expect(Array.from(cut).length).toBeLessThanOrEqual(width);
    expect(cut.isWellFormed()).toBe(true);
    if (width !== 3) expect(cut).toBe(expected);
  });
});
