/** What btrfs-progs print, names raw, is understood from the real program, and names that imitate it fool nobody. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromText, type BytePath } from '../../src/byte-path.ts';
import type { Location } from '../../src/backend/backend.ts';
import { detect } from '../../src/backend/detect.ts';
import { quotaSizes } from '../../src/backend/btrfs/quota.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run } from '../../src/system/run.ts';
import { makeBtrfsImage, type LoopImage } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { makeScratch, tool, type Scratch } from '../support/scratch.ts';
import { openAt } from './open-at.ts';
import { removeOne } from './steps.ts';

const [KEPT, GOES] = ['2026-11-01_00:00:00', '2026-11-02_00:00:00'] as [BytePath, BytePath];

requires.btrfs('btrfs with names made to deceive', () => {
  let scratch: Scratch;
  let image: LoopImage;
  let top: string;
  beforeAll(() => {
    scratch = makeScratch();
    image = makeBtrfsImage({ sizeMiB: 256, dir: scratch.path });
    top = image.mount({}, join(scratch.path, 'top'));
    for (const name of ['root', 'root-blank']) tool('btrfs', 'subvolume', 'create', join(top, name));
    mkdirSync(join(top, 'old_roots'));
  });
  afterAll(() => {
    image.close();
    scratch.remove();
  });

  const create = (path: string): void => void tool('btrfs', 'subvolume', 'create', join(top, path));
  const remove = (path: string): void => void tool('btrfs', 'subvolume', 'delete', join(top, path));
  const show = (path: string, key: string): string =>
    new RegExp(`^\t${key}:\\s+(.*)$`, 'm').exec(tool('btrfs', 'subvolume', 'show', join(top, path)))?.[1] ?? '';
  const location = (): Location => ({
    backend: 'btrfs',
    device: image.device,
    live: fromText('root'),
    blank: fromText('root-blank'),
    archive: fromText('old_roots'),
  });

  /** Whoever has a directory can make such names in it; others in the archive itself. */
  const imitations = (): readonly (readonly [what: string, name: string])[] => {
    const [id, uuid, blankId, blankUuid] = [
      show(`old_roots/${GOES}`, 'Subvolume ID'),
      show(`old_roots/${GOES}`, 'UUID'),
      show('root-blank', 'Subvolume ID'),
      show('root-blank', 'UUID'),
    ];
    const fresh = '99999999-9999-4999-8999-999999999999';
    return [
      [
        'a line of list with another id',
        `x\nID 999 gen 8 parent 5 top level 5 uuid ${fresh} path old_roots/${GOES}`.replaceAll('/', '\u2215'),
      ],
      ['a line of list with the uuid of the blank', `x\nID ${id} gen 8 parent 5 top level 5 uuid ${blankUuid} path y`],
      ['a line of list that puts the blank inside', `x\nID ${blankId} gen 8 parent ${id} top level ${id} uuid ${blankUuid} path y`],
      ['a line of list that puts something that is not there inside', `x\nID 999 gen 8 parent ${id} top level ${id} uuid ${fresh} path y`],
      ['an item of dump-tree', `x\n\titem 0 key (${id} ROOT_ITEM 0) itemoff 1 itemsize 439\n\t\tuuid ${uuid}\n\t\totime 1.0 (x)`],
      ['lines of show', `x\n\tUUID: \t\t\t${uuid}\n\tSubvolume ID: \t\t${id}\n\tFlags: \t\t\treadonly`],
      ['lines of du', 'x\n         1           1           0  y'],
    ];
  };

  it('lists all there is, and removes what was meant or nothing', async () => {
    for (const where of ['', 'old_roots', `old_roots/${GOES}`, 'root']) {
      create(`old_roots/${KEPT}`);
      create(`old_roots/${GOES}`);
      for (const [what, name] of imitations()) {
        const hostile = join(where, name);
        create(hostile);
        tool('btrfs', 'filesystem', 'sync', top);
        const { backend, close } = await openAt(location());
        try {
          const { trees, others } = await backend.list();
          const names = [...trees, ...others].map((each) => each.name);
          for (const each of [KEPT, GOES]) {
            expect(trees.find((tree) => tree.name === each)?.id, `${what} in "${where}"`).toBe(show(`old_roots/${each}`, 'UUID'));
            expect(trees.find((tree) => tree.name === each)?.createdAt?.getTime(), what).toBeGreaterThan(Date.parse('2020-01-01'));
            expect(trees.find((tree) => tree.name === each)?.readOnly, what).toBe(false);
          }
          if (where === 'old_roots') expect(names, what).toContain(fromText(name));
          const tree = trees.find((each) => each.name === GOES);
          const gone =
            tree !== undefined &&
            (await removeOne(backend, tree).then(
              () => true,
              () => false,
            ));
          expect(statSync(join(top, 'old_roots', GOES), { throwIfNoEntry: false }) === undefined, what).toBe(gone);
          for (const path of ['root', 'root-blank', `old_roots/${KEPT}`])
            expect(statSync(join(top, path)).ino, `${what} in "${where}": ${path}`).toBe(256);
          if (gone) create(`old_roots/${GOES}`);
          if (statSync(join(top, hostile), { throwIfNoEntry: false }) !== undefined) remove(hostile);
        } finally {
          await close();
        }
      }
      remove(`old_roots/${KEPT}`);
      remove(`old_roots/${GOES}`);
    }
  });

  it('is recognised without configuration, where it is mounted', async () => {
    create(`old_roots/${KEPT}`);
    const pool = new PrivateMountPool(run, 'read');
    try {
      const services = { run, signal: new AbortController().signal, privateMounts: pool };
      const { found } = await detect(services, { nameZone: 'UTC', privileged: true });
      expect(
        found
          .filter((each) => each.location.backend === 'btrfs' && each.location.device === image.device)
          .map((each) => [each.suggestedName, each.location]),
      ).toEqual([['root', location()]]);
      const unprivileged = await detect(services, { nameZone: 'UTC', privileged: false });
      expect(unprivileged.found.filter((each) => each.location.backend === 'btrfs')).toEqual([]);
      expect(unprivileged.notLookedAt.join('\n')).toContain('btrfs can only be looked at by root');
    } finally {
      await pool.close();
      remove(`old_roots/${KEPT}`);
    }
  });

  it('sizes are known without work where quotas are on, and only there', async () => {
    create(`old_roots/${KEPT}`);
    writeFileSync(join(top, 'old_roots', KEPT, 'large'), Buffer.alloc(2 << 20, 1));
    tool('btrfs', 'filesystem', 'sync', top);
    const id = Number(show(`old_roots/${KEPT}`, 'Subvolume ID'));
    expect(quotaSizes(image.device, [id])).toEqual(new Map());
    tool('btrfs', 'quota', 'enable', top);
    tool('btrfs', 'quota', 'rescan', '-w', top);
    const size = quotaSizes(image.device, [id]).get(id);
    expect(size?.sizeBytes).toBeGreaterThanOrEqual(2 << 20);
    expect(size?.exclusiveBytes).toBeGreaterThanOrEqual(2 << 20);
    const { backend, close } = await openAt(location());
    const { trees } = await backend.list();
    expect([...backend.knownSizes(trees).values()]).toEqual([size]);
    await close();
    tool('btrfs', 'quota', 'disable', top);
    expect(quotaSizes(image.device, [id])).toEqual(new Map());
    expect(quotaSizes('/dev/null', [id])).toEqual(new Map());
    remove(`old_roots/${KEPT}`);
  });
});
