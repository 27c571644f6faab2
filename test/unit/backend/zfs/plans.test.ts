/** What may go and what may not, from what the pool has; and what the next boot takes. */
import { describe, expect, it } from 'vitest';
import { fromText } from '../../../../src/byte-path.ts';
import type { Dataset } from '../../../../src/backend/zfs/parse.ts';
import { recognise } from '../../../../src/backend/zfs/detect.ts';
import { takenOverByLive, whyItStays } from '../../../../src/backend/zfs/premises.ts';
import { inOrderOfRemoval, isAlone, partsOf, type Scan } from '../../../../src/backend/zfs/scan.ts';
import { rollbackWarnings, warningsOfLeaving, warningsOfNested } from '../../../../src/backend/zfs/warnings.ts';
import type { Mount } from '../../../../src/system/mounts.ts';

let transaction = 0n;
function dataset(name: string, more: Partial<Dataset> = {}): Dataset {
  transaction += 1n;
  return {
    name,
    type: name.includes('@') ? 'snapshot' : 'filesystem',
    guid: `guid of ${name}`,
    createdAt: new Date(0),
    createdIn: transaction,
    used: 0,
    referenced: 0,
    origin: null,
    clones: [],
    holds: 0,
    readOnly: name.includes('@'),
    ...more,
  };
}

function scanOf(all: readonly Dataset[], more: Partial<Scan> = {}): Scan {
  const datasets = new Map(all.map((each) => [each.name, each]));
  return {
    places: { live: 'p/root', archive: 'p/old' },
    datasets,
    live: datasets.get('p/root') ?? null,
    blank: null,
    pinOf: () => null,
    heldBy: () => [],
    ...more,
  };
}

const site = (more: { mountedAtRoot?: string; blank?: string } = {}): Parameters<typeof whyItStays>[0] => ({
  mountedAtRoot: more.mountedAtRoot ?? null,
  location: {
    backend: 'zfs',
    live: fromText('p/root'),
    archive: fromText('p/old'),
    blank: more.blank === undefined ? null : fromText(more.blank),
  },
});
const stays = (scan: Scan, name: string, of = site()): string | null => whyItStays(of, scan, name, `guid of ${name}`);

describe('whyItStays', () => {
  const own = [
    dataset('p/old'),
    dataset('p/root', { origin: 'p/blank@blank' }),
    dataset('p/old/a'),
    dataset('p/old/a/var'),
    dataset('p/old/a@auto'),
  ];

  it('lets go of what is an old root and nothing else', () => {
    expect(stays(scanOf(own), 'p/old/a')).toBeNull();
    expect(whyItStays(site(), scanOf(own), 'p/old/a', 'another')).toContain('another dataset');
    expect(stays(scanOf(own), 'p/old/b')).toContain('does not exist');
    expect(stays(scanOf([...own, dataset('p/old/v', { type: 'volume' })]), 'p/old/v')).toContain('volume');
  });

  it('keeps the live and the running root, and what they are in', () => {
    const live = scanOf(own, { places: { live: 'p/old/a/var', archive: 'p/old' } });
    expect(stays(live, 'p/old/a')).toContain('live root');
    expect(stays(scanOf(own), 'p/old/a', site({ mountedAtRoot: 'p/old/a' }))).toContain('running root');
  });

  it('keeps what is pinned or held, in any part of it', () => {
    const pin = { note: 'mine', at: new Date(0) };
    expect(stays(scanOf(own, { pinOf: (name) => (name === 'p/old/a' ? pin : null) }), 'p/old/a')).toBe('it is pinned (mine)');
    expect(stays(scanOf(own, { pinOf: (name) => (name === 'p/old/a@auto' ? pin : null) }), 'p/old/a')).toContain(
      'p/old/a@auto, which is pinned',
    );
    expect(stays(scanOf(own, { heldBy: () => ['backup'] }), 'p/old/a')).toContain('held (backup');
  });

  it('keeps the origin of a clone, and the blank', () => {
    const cloned = own.map((each) => (each.name === 'p/old/a@auto' ? { ...each, clones: ['p/mine'] } : each));
    expect(stays(scanOf(cloned), 'p/old/a')).toBe('p/mine is a clone of p/old/a@auto');
    const within = own.map((each) => (each.name === 'p/old/a@auto' ? { ...each, clones: ['p/old/a/var'] } : each));
    expect(stays(scanOf(within), 'p/old/a')).toBeNull();
    expect(stays(scanOf(own, { blank: 'p/old/a@auto' }), 'p/old/a')).toContain('the blank');
  });

  it('lets go of what has the blank only if the live root can take it over', () => {
    const shared = [
      dataset('p/old/a'),
      dataset('p/old/a@install'),
      dataset('p/old/a@blank', { clones: ['p/old/b', 'p/root'] }),
      dataset('p/old/a@later'),
      dataset('p/old/b', { origin: 'p/old/a@blank' }),
      dataset('p/root', { origin: 'p/old/a@blank' }),
    ];
    const scan = scanOf(shared, { blank: 'p/old/a@blank' });
    expect([...takenOverByLive(scan, 'p/old/a')]).toEqual(['p/old/a@install', 'p/old/a@blank']);
    expect(stays(scan, 'p/old/a')).toBeNull();
    expect(stays(scan, 'p/old/b')).toBeNull();
    const elsewhere = shared.map((each) => (each.name === 'p/root' ? { ...each, origin: 'p/blank@blank' } : each));
    expect(stays(scanOf(elsewhere, { blank: 'p/blank@blank' }), 'p/old/a')).toBe('p/old/b is a clone of p/old/a@blank');
    const alsoLater = shared.map((each) => (each.name === 'p/old/a@later' ? { ...each, clones: ['p/mine'] } : each));
    expect(stays(scanOf(alsoLater, { blank: 'p/old/a@blank' }), 'p/old/a')).toBe('p/mine is a clone of p/old/a@later');
  });
});

describe('whyItStays, where in doubt', () => {
  it('keeps what holds a volume, which may be a disk that is in use', () => {
    const all = [dataset('p/old/a'), dataset('p/old/a/vm', { type: 'volume' })];
    expect(stays(scanOf(all), 'p/old/a')).toBe('it holds the volume p/old/a/vm');
  });

  it('keeps the blank that is configured by this name, though the live root could take it over', () => {
    const all = [dataset('p/old/a'), dataset('p/old/a@blank', { clones: ['p/root'] }), dataset('p/root', { origin: 'p/old/a@blank' })];
    const scan = scanOf(all, { blank: 'p/old/a@blank' });
    expect(stays(scan, 'p/old/a', site({ blank: 'p/root@blank' }))).toBeNull();
    expect(stays(scan, 'p/old/a', site({ blank: 'p/old/a@blank' }))).toBe('it is or holds the blank, p/old/a@blank');
  });

  it('keeps all that may be the blank while there is no live root', () => {
    const all = [dataset('p/old/a'), dataset('p/old/a@blank'), dataset('p/old/b')];
    expect(stays(scanOf(all), 'p/old/a', site({ blank: 'p/root@blank' }))).toContain('the blank');
    expect(stays(scanOf(all), 'p/old/b', site({ blank: 'p/root@blank' }))).toBeNull();
  });
});

describe('partsOf', () => {
  const taken = 700n;
  const all = [
    dataset('p/root'),
    dataset('p/root@x', { createdIn: taken }),
    dataset('p/root/home'),
    dataset('p/root/home@x', { createdIn: taken }),
  ];
  const names = (datasets: readonly Dataset[]): string[] => datasets.map(({ name }) => name);

  it('takes what was taken with a snapshot, and nothing else of its name', () => {
    expect(names(partsOf(scanOf(all), 'p/root@x'))).toEqual(['p/root@x', 'p/root/home@x']);
    expect(isAlone(scanOf(all), 'p/root@x')).toBe(true);
    const other = scanOf([...all, dataset('p/root/srv@x', { createdIn: taken + 1n })]);
    expect(names(partsOf(other, 'p/root@x'))).toEqual(['p/root@x', 'p/root/home@x']);
    expect(isAlone(other, 'p/root@x')).toBe(false);
  });

  it('puts clones before their origins, and what is below before what it is in', () => {
    const layers = scanOf([
      dataset('p/old/a'),
      dataset('p/old/a/one'),
      dataset('p/old/a/one@1', { clones: ['p/old/a/two'] }),
      dataset('p/old/a/two', { origin: 'p/old/a/one@1' }),
      dataset('p/old/a/two@1', { clones: ['p/old/a/one/deep'] }),
      dataset('p/old/a/one/deep', { origin: 'p/old/a/two@1' }),
    ]);
    const order = names(inOrderOfRemoval(layers, 'p/old/a'));
    expect(order).toHaveLength(6);
    for (const [first, then] of [
      ['p/old/a/one/deep', 'p/old/a/two@1'],
      ['p/old/a/two@1', 'p/old/a/two'],
      ['p/old/a/two', 'p/old/a/one@1'],
      ['p/old/a/one@1', 'p/old/a/one'],
      ['p/old/a/one', 'p/old/a'],
    ] as const)
      expect(order.indexOf(first), `${first} before ${then}`).toBeLessThan(order.indexOf(then));
  });
});

describe('warningsOfLeaving', () => {
  const root = scanOf([dataset('p/root'), dataset('p/old')]);
  const [snapshot, boot] = [{ isSnapshot: true }, { isSnapshot: false }];

  it('says which snapshots go with the live root where that is put aside', () => {
    expect(warningsOfLeaving(root, [snapshot, snapshot, boot])).toEqual([
      expect.stringContaining('2 snapshots of p/root will be in the old root'),
    ]);
    expect(warningsOfLeaving(root, [boot])).toEqual([]);
    expect(warningsOfLeaving(root, [snapshot])).toEqual([]);
  });
});

describe('rollbackWarnings', () => {
  const root = [dataset('p/root'), dataset('p/root@install'), dataset('p/root@blank'), dataset('p/root@today'), dataset('p/root@lastboot')];

  it('counts what is newer than a blank of the live root itself', () => {
    const [warning] = rollbackWarnings(scanOf(root, { blank: 'p/root@blank' }), [{ isSnapshot: true }]);
    expect(warning).toContain('2 snapshots of p/root');
    expect(warning).toContain('zfs rollback -r p/root@blank');
  });

  it('says nothing where the live root is put aside, or the blank is elsewhere, or nothing is newer', () => {
    expect(rollbackWarnings(scanOf(root, { blank: 'p/root@blank' }), [{ isSnapshot: false }])).toEqual([]);
    expect(rollbackWarnings(scanOf(root, { blank: 'p/blank@blank' }), [])).toEqual([]);
    expect(rollbackWarnings(scanOf(root.slice(0, 3), { blank: 'p/root@blank' }), [])).toEqual([]);
  });
});

describe('warningsOfNested', () => {
  it('names filesystems below old roots, and neither snapshots nor what is below the live root', () => {
    const all = [
      dataset('p/old/a'),
      dataset('p/old/a@s'),
      dataset('p/root'),
      dataset('p/root/var'),
      dataset('p/root@t'),
      dataset('p/root/var@t'),
    ];
    const trees = ['a', '@t'].map((name) => ({ name: fromText(name) }));
    expect(warningsOfNested(scanOf(all), trees)).toEqual([]);
    expect(warningsOfNested(scanOf([...all, dataset('p/old/a/var'), dataset('p/old/b/srv')]), trees).join()).toContain('(var)');
  });
});

describe('recognise', () => {
  const mount = (source: string, mountPoint: string): Mount => ({
    device: '0:1',
    root: fromText('/'),
    mountPoint: fromText(mountPoint),
    options: [],
    superOptions: [],
    type: 'zfs',
    source: fromText(source),
    on: null,
  });
  const find = (names: readonly (string | Dataset)[], mounts: readonly Mount[] = [], target: 'root' | 'home' = 'root'): unknown[] =>
    recognise(
      names.map((each) => (typeof each === 'string' ? dataset(each) : each)),
      mounts,
      target,
    ).map(({ location }) => location);
  const place = (live: string | null, blank: string | null, archive: string | null): unknown => ({ backend: 'zfs', live, blank, archive });

  it('takes the archive with the live root that is mounted, however deep it is', () => {
    const names = ['p', 'p/old_roots', 'p/local', dataset('p/local/nixos', { origin: 'p/local/clean@blank' }), 'p/root'];
    expect(find(names, [mount('p/local/nixos', '/')])).toEqual([place('p/local/nixos', 'p/local/clean@blank', 'p/old_roots')]);
  });

  it('takes a blank that went with an old root for one of the live root, whose it is again once that is promoted', () => {
    const names = ['p', 'p/old_roots', 'p/old_roots/1', 'p/old_roots/1@blank', dataset('p/root', { origin: 'p/old_roots/1@blank' })];
    expect(find(names)).toEqual([place('p/root', 'p/root@blank', 'p/old_roots')]);
  });

  it('takes no archive of another machine, received as a backup, where the own root is mounted', () => {
    const backup = ['p/backup', 'p/backup/laptop', 'p/backup/laptop/old_roots', 'p/backup/laptop/root'];
    expect(find(['p', 'p/root', ...backup], [mount('p/root', '/')])).toEqual([]);
    expect(find(['p', 'p/root', ...backup])).toEqual([place('p/backup/laptop/root', null, 'p/backup/laptop/old_roots')]);
  });

  it('takes the root beside the archive where nothing of it is mounted', () => {
    expect(find(['p', 'p/old-roots', 'p/root', 'p/root@blank'])).toEqual([place('p/root', 'p/root@blank', 'p/old-roots')]);
    expect(find(['p', 'p/old_roots', 'p/root', 'p/rootfs'])).toEqual([place(null, null, 'p/old_roots')]);
  });

  it('takes a root whose old roots are its snapshots only if it has a blank', () => {
    expect(find(['p', 'p/root', 'p/root@empty', 'p/root@lastboot'])).toEqual([place('p/root', 'p/root@empty', null)]);
    expect(find(['p', 'p/root', 'p/root@autosnap_2026-11-20'])).toEqual([]);
    expect(find(['p', 'p/os', 'p/os@blank', 'p/root', 'p/root@blank'], [mount('p/os', '/')])).toEqual([place('p/os', 'p/os@blank', null)]);
  });

  it('tells homes from roots, and guesses at no blank', () => {
    const names = ['p', 'p/old_homes', 'p/home', 'p/home@blank', 'p/old_roots', 'p/root', 'p/root@blank', 'p/root@empty'];
    expect(find(names, [], 'home')).toEqual([place('p/home', 'p/home@blank', 'p/old_homes')]);
    expect(find(names)).toEqual([place('p/root', null, 'p/old_roots')]);
  });

  it('takes no pool, volume or snapshot for an archive', () => {
    expect(find(['old_roots', dataset('p/old_roots', { type: 'volume' }), 'p/x@old_roots'])).toEqual([]);
  });
});
