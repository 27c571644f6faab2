import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fromText, toBytes, type BytePath } from '../../../src/byte-path.ts';
import { blockingFlags, clearBlockingFlags, clearBlockingFlagsBelow } from '../../../src/system/attributes.ts';
import { run } from '../../../src/system/run.ts';
import { makeExt4Image } from '../../support/loop-image.ts';
import { requires } from '../../support/requirements.ts';
import { tool, withScratch } from '../../support/scratch.ts';

requires.root('flags that stand in the way', () => {
  it('are found and cleared, of one or of a whole tree, and not through links', async () => {
    await withScratch(async ({ path }) => {
      const image = makeExt4Image({ sizeMiB: 16, dir: path });
      try {
        const top = image.mount({}, join(path, 'top'));
        const at = (name: string): BytePath => fromText(join(top, name));
        for (const name of ['tree', 'tree/sub', 'outside']) mkdirSync(join(top, name));
        const odd = `${at('tree')}/caf\xe9 i` as BytePath;
        for (const file of [at('tree/file'), at('tree/sub/deep'), at('outside/kept'), odd]) writeFileSync(toBytes(file), '');
        symlinkSync(join(top, 'outside/kept'), join(top, 'tree/link'));
        symlinkSync(join(top, 'outside'), join(top, 'tree/folder'));
        expect(await blockingFlags(run, odd)).toEqual([]);
        await run('chattr', ['+ia', '--', { path: odd }]);
        tool('chattr', '+a', join(top, 'tree/file'));
        tool('chattr', '+i', join(top, 'tree/sub/deep'), join(top, 'tree/sub'), join(top, 'outside/kept'));
        expect(await blockingFlags(run, odd)).toEqual(['i', 'a']);
        expect(await blockingFlags(run, at('tree/file'))).toEqual(['a']);
        expect(await clearBlockingFlags(run, odd)).toEqual(['i', 'a']);
        expect(await clearBlockingFlags(run, odd)).toEqual([]);
        await clearBlockingFlagsBelow(run, at('tree'));
        for (const name of ['tree/file', 'tree/sub', 'tree/sub/deep']) expect(await blockingFlags(run, at(name)), name).toEqual([]);
        expect(await blockingFlags(run, at('outside/kept'))).toEqual(['i']);
        tool('chattr', '-i', join(top, 'outside/kept'));
        expect(await blockingFlags(run, at('none'))).toEqual([]);
        expect(await blockingFlags(run, fromText('/proc/self/status'))).toEqual([]);
      } finally {
        image.close();
      }
    });
  });
});
