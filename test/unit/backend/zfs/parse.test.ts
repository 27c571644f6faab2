import { describe, expect, it } from 'vitest';
import { parseDatasets, parseGuids, parseHolds, parseNumbers, parseValues } from '../../../../src/backend/zfs/parse.ts';

const bytes = (...lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''));

/** As OpenZFS 2.3.9 printed them. */
const FILESYSTEM = 'rpool/root\tfilesystem\t6743681519862604080\t1795269433\t11\t15360\t25600\trpool/blank@blank\t-\t-\toff';
const SNAPSHOT = 'rpool/blank@blank\tsnapshot\t2994792443727578828\t1795269433\t8\t0\t24576\t-\trpool/root,rpool/old/a b\t2\t-';
const VOLUME = 'rpool/swap\tvolume\t1\t1795269433\t8\t0\t24576\t-\t-\t-\toff';

describe('parseDatasets', () => {
  it('understands filesystems, snapshots and volumes', () => {
    expect(parseDatasets(bytes(FILESYSTEM, SNAPSHOT, VOLUME))).toEqual([
      {
        name: 'rpool/root',
        type: 'filesystem',
        guid: '6743681519862604080',
        createdAt: new Date(1795269433000),
        createdIn: 11n,
        used: 15360,
        referenced: 25600,
        origin: 'rpool/blank@blank',
        clones: [],
        holds: 0,
        readOnly: false,
      },
      expect.objectContaining({ type: 'snapshot', origin: null, clones: ['rpool/root', 'rpool/old/a b'], holds: 2, readOnly: true }),
      expect.objectContaining({ type: 'volume', name: 'rpool/swap' }),
    ]);
    expect(parseDatasets(bytes())).toEqual([]);
  });

  it.each([
    ['a field less', FILESYSTEM.slice(0, FILESYSTEM.lastIndexOf('\t'))],
    ['a field more', `${FILESYSTEM}\tx`],
    ['another type', FILESYSTEM.replace('filesystem', 'bookmark')],
    ['no name', FILESYSTEM.replace('rpool/root', '')],
    ['a GUID that is no number', FILESYSTEM.replace('6743681519862604080', '-')],
    ['sizes for people', FILESYSTEM.replace('25600', '25K')],
    ['holds that are no number', SNAPSHOT.replace('\t2\t-', '\tx\t-')],
    ['a time that is no number', FILESYSTEM.replace('1795269433', 'Sat Nov 21')],
  ])('does not guess: %s', (_, line) => {
    expect(() => parseDatasets(bytes(SNAPSHOT, line))).toThrow('is not understood');
  });
});

describe('parseGuids', () => {
  it('is by name', () => {
    expect(parseGuids(bytes('rpool/a b\t17', 'rpool/x@y\t18'))).toEqual(
      new Map([
        ['rpool/a b', '17'],
        ['rpool/x@y', '18'],
      ]),
    );
    expect(() => parseGuids(bytes('rpool/a\t-'))).toThrow('is not understood');
  });
});

describe('parseValues', () => {
  it('keeps tabs, and takes no line of a value for a pin that is gone', () => {
    const values = parseValues(bytes('rpool/a\tmine\twith a tab', 'rpool/b\t{"note":"x"}', 'no pair', 'rpool/a\tforged'));
    expect(values).toEqual(
      new Map([
        ['rpool/a', 'mine\twith a tab'],
        ['rpool/b', '{"note":"x"}'],
      ]),
    );
  });
});

describe('parseHolds', () => {
  it('has all tags of each', () => {
    expect(parseHolds(bytes('p/a@s\tkeep\tSat', 'p/a@s\tsend 1\tSat', 'p/b@s\tx\tSat'))).toEqual(
      new Map([
        ['p/a@s', ['keep', 'send 1']],
        ['p/b@s', ['x']],
      ]),
    );
    expect(() => parseHolds(bytes('p/a@s'))).toThrow('is not understood');
  });
});

describe('parseNumbers', () => {
  it('reads one line, where there is nothing as nothing', () => {
    expect(parseNumbers(bytes('402083328\t402653184'), 2)).toEqual([402083328, 402653184]);
    expect(parseNumbers(bytes('-'), 1)).toEqual([0]);
    for (const lines of [[], ['1', '2'], ['1\t2'], ['1K']]) expect(() => parseNumbers(bytes(...lines), 1)).toThrow('is not understood');
  });
});
