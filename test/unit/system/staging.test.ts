/** What somebody who owns the directory can do between two calls: too short for a race to meet it, so it is done from the call before. */
import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import type * as filesystem from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { holdDirectory } from '../../../src/system/beneath.ts';
import { run } from '../../../src/system/run.ts';
import { inStaging } from '../../../src/system/staging.ts';
import { requires } from '../../support/requirements.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

const after = vi.hoisted((): { mkdir: ((path: string) => void) | null } => ({ mkdir: null }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof filesystem>();
  return {
    ...real,
    mkdirSync: (path: Buffer | string, options?: { mode?: number }) => {
      real.mkdirSync(path, options);
      after.mkdir?.(path.toString());
    },
  };
});

let scratch: Scratch;
let theirs: string;
let own: string;
beforeEach(() => {
  scratch = makeScratch();
  [theirs, own] = [join(scratch.path, 'theirs'), join(scratch.path, 'own')];
  for (const path of [theirs, own]) mkdirSync(path);
});
afterEach(() => {
  after.mkdir = null;
  scratch.remove();
});

describe('a directory in the place of the staging directory, before that is opened', () => {
  const refuses = async (): Promise<void> => {
    const { ino, uid, mode } = lstatSync(own);
    const holds = readdirSync(own);
    const held = holdDirectory(fromText(theirs));
    after.mkdir = (path) => {
      renameSync(own, path);
    };
    const worked = vi.fn(() => Promise.resolve());
    try {
      await expect(inStaging(run, held, worked)).rejects.toThrow('exchanged by somebody else');
    } finally {
      held.close();
    }
    expect([worked.mock.calls.length, existsSync(own)]).toEqual([0, false]);
    const there = join(theirs, String(readdirSync(theirs)[0]));
    const now = lstatSync(there);
    expect([now.ino, now.uid, now.mode]).toEqual([ino, uid, mode]);
    expect(readdirSync(there)).toEqual(holds);
  };

  it('is not worked in when there is something in it', async () => {
    writeFileSync(join(own, 'secret'), '');
    await refuses();
  });

  requires.root('of somebody else', () => {
    it('is not worked in', async () => {
      chownSync(own, 1000, 1000);
      await refuses();
    });
  });
});
