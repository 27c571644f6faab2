import { describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import type { ArchivedTree, Backend } from '../../../src/backend/backend.ts';
import { isSlot, judgeArchive } from '../../../src/operations/judge.ts';
import type { Context } from '../../../src/operations/context.ts';
import type { Target } from '../../../src/operations/targets.ts';

function tree(name: string, timeName = name): ArchivedTree {
  return {
    ...{ name: fromText(name), timeName: fromText(timeName), id: name, createdAt: new Date('2026-11-20T10:00:00Z'), readOnly: true },
    ...{ isSnapshot: name.startsWith('@'), mountPoints: [], isLive: false, holdsRoot: null, heldBy: [], pin: null },
  };
}

describe('judgeArchive', () => {
  it('takes for a slot what has the whole name of one, as its backend writes that', async () => {
    const trees = [tree('@today', 'today'), tree('yesterday'), tree('lastboot'), tree('@lastboot', 'lastboot')];
    const backend = {
      generation: async () => Promise.resolve(''),
      list: async () => Promise.resolve({ trees, trashed: [], others: [], warnings: [] }),
      snapshotName: (slot: string) => fromText(`@${slot}`),
    } as Partial<Backend> as Backend;
    const target = { name: 'root', backend, policy: {}, grace: null, slots: 7 } as Partial<Target> as Target;
    const context = {
      now: new Date('2026-11-21T10:00:00Z'),
      config: { nameTimezone: 'UTC', timezone: 'UTC' },
    } as Partial<Context> as Context;
    const { roots, unrecognised } = await judgeArchive(context, target);
    expect(roots.map(({ name, root }) => [name, isSlot(root)]).sort()).toEqual([
      ['@lastboot', false],
      ['@today', true],
    ]);
    expect(unrecognised.map(({ name }) => name)).toEqual(['lastboot', 'yesterday']);
  });
});
