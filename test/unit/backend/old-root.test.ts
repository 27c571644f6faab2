import { describe, expect, it } from 'vitest';
import { fromText, type BytePath } from '../../../src/byte-path.ts';
import type { ArchivedTree } from '../../../src/backend/backend.ts';
import { understand } from '../../../src/backend/old-root.ts';

function tree(name: string | BytePath, more: Partial<ArchivedTree> = {}): ArchivedTree {
  return {
    name: name as BytePath,
    timeName: name as BytePath,
    id: name,
    createdAt: null,
    readOnly: false,
    isSnapshot: false,
    mountPoints: [],
    isLive: false,
    holdsRoot: null,
    heldBy: [],
    pin: null,
    ...more,
  };
}

const READING = { nameZone: 'UTC', isSlot: (name: string) => name === 'today' };

const archive = (...trees: ArchivedTree[]): ReturnType<typeof understand> =>
  understand({ trees, trashed: [], others: [], warnings: ['w'] }, READING);

describe('understand', () => {
  it('sorts by time, then by copy, newest first, whatever the padding of the names', () => {
    const names = [
      '2024-11-4_00:00:00',
      '2024-11-20_00:00:00',
      '2024-11-4_00:00:00_2',
      '2024-11-4_00:00:00_10',
      '2024-11-04_00:00:00',
      '1700000000',
    ];
    const { roots, unrecognised, warnings } = archive(...names.map((name) => tree(name)));
    expect(roots.map((root) => root.name)).toEqual([
      '2024-11-20_00:00:00',
      '2024-11-4_00:00:00_10',
      '2024-11-4_00:00:00_2',
      '2024-11-4_00:00:00',
      '2024-11-04_00:00:00',
      '1700000000',
    ]);
    expect(unrecognised).toEqual([]);
    expect(warnings).toEqual(['w']);
  });

  it('recognises no name that is not understood, or not UTF-8, but can read from it', () => {
    const bytes = '2024-11-04_00:00:00\xff' as BytePath;
    const listing = { trees: [tree('x'), tree(bytes)], trashed: [], others: [{ name: fromText('a'), why: 'a file' }], warnings: [] };
    const { roots, unrecognised } = understand(listing, READING);
    expect(roots).toEqual([]);
    expect(unrecognised.map(({ name, tree: readable }) => [name, readable !== null])).toEqual([
      [bytes, true],
      ['a', false],
      ['x', true],
    ]);
  });

  it('takes the time of creation for that of the boot, unless it is later than the name says', () => {
    const { roots } = archive(
      tree('2024-11-04_12:00:00', { createdAt: new Date('2024-11-04T12:00:00.900Z') }),
      tree('2024-11-03_12:00:00', { createdAt: new Date('2024-11-03T12:00:01Z') }),
    );
    expect(roots.map((root) => root.bootedAt?.toISOString() ?? null)).toEqual(['2024-11-04T12:00:00.900Z', null]);
    expect(roots.map((root) => root.archivedAtSource)).toEqual(['name', 'name']);
  });

  it('takes no time of a snapshot for that of a boot', () => {
    const createdAt = new Date('2024-11-04T12:00:00Z');
    const name = { timeName: fromText('2024-11-04_12:00:00'), createdAt, readOnly: true, isSnapshot: true };
    const { roots } = archive(tree('@2024-11-04_12:00:00', name));
    expect(roots.map((root) => [root.archivedAt, root.archivedAtSource, root.bootedAt])).toEqual([[createdAt, 'name', null]]);
  });

  it('warns of one that holds another, in text that is safe to print', () => {
    const [root] = archive(tree('1700000000', { holdsRoot: fromText('root\u001b[31m') })).roots;
    expect(root?.warnings).toHaveLength(1);
    expect(root?.warnings.join('')).not.toContain('\u001b');
  });

  it('takes the time of a rolling slot from its creation, if it is a snapshot and that is known', () => {
    const createdAt = new Date('2024-11-04T12:00:00.900Z');
    const { roots } = archive(tree('today', { createdAt, readOnly: true }));
    expect(roots.map((root) => [root.archivedAt, root.archivedAtSource, root.bootedAt])).toEqual([[createdAt, 'creation', null]]);
    for (const more of [{ createdAt }, { readOnly: true }]) {
      const { roots: none, unrecognised } = archive(tree('today', more));
      expect([none, unrecognised.map(({ name }) => name)]).toEqual([[], ['today']]);
    }
  });

  it('knows what is in the trash by the name that it had, and leaves what it does not know', () => {
    const trashedAt = new Date('2024-12-01T00:00:00Z');
    const trashed = ['2024-11-04_00:00:00', '2024-11-05_00:00:00', 'x'].map((formerName, at) => ({
      ...tree(`.roots-trash.20241201T00000${String(at)}Z.${formerName}`, { timeName: fromText(formerName) }),
      formerName: fromText(formerName),
      trashedAt: new Date(trashedAt.getTime() + at * 1000),
    }));
    const { roots, trash, unrecognised } = understand({ trees: [], trashed, others: [], warnings: [] }, READING);
    expect(roots).toEqual([]);
    expect(trash.map((each) => [each.formerName, each.archivedAt])).toEqual([
      ['2024-11-05_00:00:00', new Date('2024-11-05T00:00:00Z')],
      ['2024-11-04_00:00:00', new Date('2024-11-04T00:00:00Z')],
    ]);
    expect(unrecognised.map(({ name }) => name)).toEqual(['.roots-trash.20241201T000002Z.x']);
  });
});
