import { describe, expect, it } from 'vitest';
import {
  parseAncestry,
  parseDeleted,
  parseFilesystemIds,
  parseDiskUsage,
  parseResolved,
  parseRootItems,
  parseSubvolumeIds,
  parseSubvolumeList,
  parseSubvolumeShow,
} from '../../../../src/backend/btrfs/parse.ts';
import type { BytePath } from '../../../../src/byte-path.ts';

const U = ['11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', '33333333-3333-3333-3333-333333333333'] as const;
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const line = (id: number, uuid: string, path: string, parent = 5): string =>
  `ID ${String(id)} gen 8 parent ${String(parent)} top level ${String(parent)} uuid ${uuid} path ${path}\n`;

describe('btrfs subvolume list -p -q -u', () => {
  it('says what each is a snapshot of, if it is one', () => {
    const text =
      `ID 256 gen 9 parent 5 top level 5 parent_uuid -                                    uuid ${U[0]} path root-blank\n` +
      `ID 257 gen 9 parent 5 top level 5 parent_uuid ${U[0]} uuid ${U[1]} path old_roots/a b\nsecond line\n`;
    expect([...parseAncestry(bytes(text))]).toEqual([[U[1], U[0]]]);
    expect(parseSubvolumeList(bytes(text)).map(({ id, uuid, path }) => [id, uuid, path])).toEqual([
      [256, U[0], 'root-blank'],
      [257, U[1], 'old_roots/a b'],
    ]);
  });
});

describe('btrfs inspect-internal inode-resolve', () => {
  it('gives the names of a file, line breaks in them included', () => {
    const text = '/tmp/old/T/d/one\n/tmp/old/T/two\nlines\n/tmp/old/T/\xff\n';
    expect(parseResolved(bytes(text), '/tmp/old/T' as BytePath)).toEqual(['d/one', 'two\nlines', '\xff']);
    expect(parseResolved(bytes(''), '/tmp/old/T' as BytePath)).toEqual([]);
  });
});

describe('btrfs subvolume list', () => {
  it('is understood, with any bytes in the names', () => {
    const text = line(256, U[0], 'old_roots/a b\t\xff') + line(257, U[1], 'x uuid y path z', 256) + line(258, '-', 'r'.repeat(250));
    expect(parseSubvolumeList(bytes(text))).toEqual([
      { id: 256, parentId: 5, uuid: U[0], path: 'old_roots/a b\t\xff' },
      { id: 257, parentId: 256, uuid: U[1], path: 'x uuid y path z' },
      { id: 258, parentId: 5, uuid: '-', path: 'r'.repeat(250) },
    ]);
    expect(parseSubvolumeIds(bytes(text)).map((each) => each.id)).toEqual([256, 257, 258]);
    expect(parseSubvolumeList(bytes(''))).toEqual([]);
  });

  it.each([
    ['an id', line(256, U[2], 'made-up')],
    ['a uuid', line(900, U[0], 'made-up')],
    ['a path', line(900, U[2], 'old_roots/T')],
  ])('a line in a name that repeats %s of another makes both go', (_, fake) => {
    const real =
      line(256, U[0], 'old_roots/T') + line(257, U[1], 'x') + line(258, '44444444-4444-4444-4444-444444444444', `evil\n${fake.trimEnd()}`);
    const found = parseSubvolumeList(bytes(real));
    expect(found.find((each) => each.path === 'old_roots/T')).toBeUndefined();
    expect(found.find((each) => each.path === 'made-up')).toBeUndefined();
    expect(found.find((each) => each.path === 'x')?.id).toBe(257);
  });

  it('has the ids of all lines, those that a name imitates too, where each is asked for afterwards', () => {
    const ids = parseSubvolumeIds(bytes(line(256, U[0], `a\n${line(257, U[2], 'b').trimEnd()}`) + line(257, U[1], 'c')));
    expect(ids.map(({ id }) => id)).toEqual([256, 257, 257]);
  });

  it('what is something else altogether is an error', () => {
    for (const text of ['ERROR: no\n', 'nonsense', '{"json":1}\n', 'ID 256 gen 8 top level 5 path x\n'])
      expect(() => parseSubvolumeList(bytes(text))).toThrow('is not understood');
  });
});

const SHOW = `old_roots/T
\tName: \t\t\tT
\tUUID: \t\t\t${U[0]}
\tParent UUID: \t\t${U[1]}
\tReceived UUID: \t\t-
\tCreation time: \t\t2026-11-20 19:21:56 +0100
\tSubvolume ID: \t\t256
\tGeneration: \t\t8
\tGen at creation: \t7
\tParent ID: \t\t5
\tTop level ID: \t\t5
\tFlags: \t\t\treadonly
\tSend transid: \t\t0
\tSend time: \t\t2026-11-20 18:21:56 +0000
\tReceive transid: \t0
\tReceive time: \t\t-
\tSnapshot(s):
\t\t\t\tsnap
`;

describe('btrfs subvolume show', () => {
  it('is understood', () => {
    expect(parseSubvolumeShow(bytes(SHOW))).toEqual({ id: 256, uuid: U[0], createdAt: new Date('2026-11-20T18:21:56Z'), readOnly: true });
    expect(parseSubvolumeShow(bytes(SHOW.replace('readonly', '-'))).readOnly).toBe(false);
  });

  it.each([`\tUUID: \t\t\t${U[2]}`, '\tSubvolume ID: \t\t999', '\tFlags: \t\t\t-', '\tCreation time: \t\t2001-01-01 00:00:00 +0000'])(
    'a name with the line %j in it is an error',
    (fake) => {
      for (const text of [SHOW.replace('\t\t\tT\n', `\t\t\tT\n${fake}\n`), SHOW.replace('\t\t\t\tsnap', `\t\t\t\tsnap\n${fake}`)]) {
        expect(() => parseSubvolumeShow(bytes(text))).toThrow('is not understood');
      }
    },
  );

  it.each(['UUID', 'Subvolume ID', 'Flags', 'Creation time'])('without %s is an error', (key) => {
    const text = SHOW.split('\n')
      .filter((each) => !each.startsWith(`\t${key}:`))
      .join('\n');
    expect(() => parseSubvolumeShow(bytes(text))).toThrow('is not understood');
  });
});

const item = (id: number, uuid: string, seconds: string, flags = '0x0(none)'): string =>
  `\titem 9 key (${String(id)} ROOT_ITEM 0) itemoff 1 itemsize 439\n\t\tgeneration 8 root_dirid 256 bytenr 30 byte_limit 0 bytes_used 16384\n\t\tlast_snapshot 0 flags ${flags} refs 1\n\t\tuuid ${uuid}\n\t\tctransid 8 otransid 7 stransid 0 rtransid 0\n\t\tctime 1795204569.1 (2026-11-20 18:22:49)\n\t\totime ${seconds} (2026-11-20 18:22:48)\n`;

describe('btrfs inspect-internal dump-tree', () => {
  it('gives the root items, with times to the second', () => {
    const text = `btrfs-progs v6.2\nroot tree\n\titem 0 key (EXTENT_TREE ROOT_ITEM 0) itemoff 1 itemsize 439\n\t\tuuid ${U[2]}\n\t\totime 0.0 (1970)\n${item(256, U[0], '1795204568.27818259')}${item(257, U[1], '1795204568.0', '0x1(RDONLY)')}`;
    expect(parseRootItems(bytes(text))).toEqual([
      { id: 256, uuid: U[0], createdAt: new Date(1795204568000), readOnly: false },
      { id: 257, uuid: U[1], createdAt: new Date(1795204568000), readOnly: true },
    ]);
  });

  it('an item in a name makes the one that it imitates go', () => {
    const reference = `\titem 3 key (FS_TREE ROOT_REF 900) itemoff 1 itemsize 30\n\t\troot ref key dirid 256 sequence 2 name evil\n${item(256, U[0], '1.0', '0x1(RDONLY)')}`;
    expect(parseRootItems(bytes(item(256, U[0], '1795204568.0') + reference + item(257, U[1], '1795204568.0')))).toEqual([
      { id: 257, uuid: U[1], createdAt: new Date(1795204568000), readOnly: false },
    ]);
  });

  it('nothing is no item', () => expect(parseRootItems(bytes(''))).toEqual([]));
});

describe('btrfs filesystem du', () => {
  const HEAD = '     Total   Exclusive  Set shared  Filename\n';

  it('is understood in the order of the arguments', () => {
    const text = `${HEAD}   3145728     3145728           0  /tmp/a b\n         0           0           -  /tmp/caf\xe9\n`;
    expect(parseDiskUsage(bytes(text), 2)).toEqual([
      { total: 3145728, exclusive: 3145728 },
      { total: 0, exclusive: 0 },
    ]);
  });

  it('more or fewer sizes than subvolumes are an error', () => {
    const fake = `${HEAD}   1     1           0  /tmp/a\n   2   2   0  /tmp/b\n`;
    for (const count of [1, 3]) expect(() => parseDiskUsage(bytes(fake), count)).toThrow('told 2 sizes');
  });
});

describe('stat --file-system', () => {
  const word = (id: bigint): string => (0xfff2dc60f2f1bbf4n ^ 5n ^ id).toString(16);
  const answer = (...ids: readonly (readonly [bigint, string])[]): Buffer =>
    bytes([[5n, '/top'] as const, ...ids].map(([id, path]) => `${word(id)}\0${path}\0`).join(''));

  it('gives the subvolume of each path, whatever bytes it is, and of large numbers too', () => {
    const odd = 'line\n0\xff' as BytePath;
    const found = parseFilesystemIds(answer([256n, 'a'], [257n, odd], [2n ** 40n + 3n, 'large']));
    expect([...found]).toEqual([
      ['a', 256],
      [odd, 257],
      ['large', 2 ** 40 + 3],
    ]);
    expect(parseFilesystemIds(answer())).toEqual(new Map());
  });

  it('anything else is an error', () => {
    for (const text of ['', 'x\0/top\0', `${word(5n)}\0/top\0zz\0a\0`, `${word(5n)}\0/top\0${word(9n)}\0`])
      expect(() => parseFilesystemIds(bytes(text)), text).toThrow('stat --file-system');
  });
});

describe('btrfs subvolume list -d', () => {
  it('gives the ids of what is not yet cleaned up', () => {
    expect(parseDeleted(bytes('ID 305 gen 42 top level 0 path DELETED\nID 306 gen 43 top level 0 path DELETED\n'))).toEqual(
      new Set([305, 306]),
    );
    for (const text of ['', 'ID 305 gen 42 top level 5 path DELETED\n', 'x\n']) expect(parseDeleted(bytes(text)), text).toEqual(new Set());
  });
});
