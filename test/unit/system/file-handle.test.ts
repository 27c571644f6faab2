import { mkdirSync, readdirSync, readlinkSync, rmdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { holdRealDirectory, type HeldDirectory } from '../../../src/system/beneath.ts';
import { handlesOf, parseWatch } from '../../../src/system/file-handle.ts';
import { withScratch } from '../../support/scratch.ts';

/** Of Linux 6.12, on bcachefs. */
const LINE =
  'inotify wd:2 ino:1002 sdev:fe00010 mask:fc6 ignored_mask:0 fhandle-bytes:10 fhandle-type:b1 f_handle:02100000000000000200000000000000';

function hold(path: string): HeldDirectory {
  const held = holdRealDirectory(fromText(path));
  if (held === null) throw new Error(`${path} is no directory`);
  return held;
}

describe('parseWatch', () => {
  it('reads a watch and its file handle; all numbers are hexadecimal', () => {
    const bytes = Buffer.from('02100000000000000200000000000000', 'hex');
    expect(parseWatch(LINE)).toEqual({ number: 2, handle: { type: 0xb1, bytes, device: 'fe00010' } });
    expect(parseWatch(LINE.replace('wd:2 ', 'wd:1a ')).number).toBe(26);
  });

  it('has none where the kernel shows none', () => {
    expect(parseWatch(LINE.replace(/ fhandle.*/, ' '))).toEqual({ number: 2, handle: null });
  });

  it.each([
    ['', 'a watch is not understood'],
    ['tfd: 5', 'a watch is not understood'],
    [LINE.replace('wd:2', 'wd:x'), 'a watch is not understood'],
    [LINE.replace('bytes:10', 'bytes:11'), 'the file handle that the kernel shows is not understood'],
    [LINE.slice(0, -1), 'the file handle that the kernel shows is not understood'],
    [LINE.replace('b1', ''), 'the file handle that the kernel shows is not understood'],
  ])('does not guess at %j', (line, why) => {
    expect(() => parseWatch(line)).toThrow(why);
  });
});

describe('handlesOf', () => {
  it('tells directories apart, each in its place and the same every time, and watches nothing afterwards', async () => {
    await withScratch(({ path }) => {
      const names = Array.from({ length: 300 }, (_, at) => join(path, `d${String(at)}`));
      for (const name of names) mkdirSync(name);
      // Somebody else in this process watches the last.
      const other = watch(names.pop() ?? '', { persistent: false });
      const watched = hold(join(path, 'd299'));
      const held = names.map(hold);
      try {
        const text = (directories: readonly HeldDirectory[]): string[] => handlesOf(directories).map(({ bytes }) => bytes.toString('hex'));
        const handles = text(held);
        expect(new Set(handles).size).toBe(names.length);
        expect(text(held.toReversed())).toEqual(handles.toReversed());
        expect(text(held.slice(7, 8))).toEqual([handles[7]]);
        expect(handlesOf([])).toEqual([]);
        expect(() => handlesOf([...held, watched])).toThrow('it is watched already');

        rmdirSync(names[10] ?? '');
        expect(text(held.slice(8, 13))).toEqual(handles.slice(8, 13));
      } finally {
        for (const each of [...held, watched]) each.close();
        other.close();
      }
      const links = readdirSync('/proc/self/fd').map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return '';
        }
      });
      expect(links.filter((link) => link.startsWith(path))).toEqual([]);
    });
  });
});
