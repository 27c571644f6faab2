import { chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fromText } from '../../src/byte-path.ts';
import { makeExt4Image, mountTmpfs } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { makeScratch, tool, withScratch } from '../support/scratch.ts';
import { DIRECTORY, directoryGround } from './directory-ground.ts';
import type { Ground } from './ground.ts';
import { actorCommand, start } from './processes.ts';
import { backendSuite } from './suite.ts';

function ground(name: string, place: (scratch: string) => { readonly base: string; close(): void }): Ground {
  const scratch = makeScratch();
  const { base, close } = place(scratch.path);
  return directoryGround(name, {
    base,
    close: () => {
      close();
      scratch.remove();
    },
  });
}

requires.root('directory', () => {
  backendSuite('directory', { ...DIRECTORY, alone: false }, () =>
    ground('directory', (scratch) => {
      mkdirSync(join(scratch, 'base'));
      return { base: join(scratch, 'base'), close: () => undefined };
    }),
  );
  backendSuite('directory on ext4', DIRECTORY, () =>
    ground('ext4', (scratch) => {
      const image = makeExt4Image({ sizeMiB: 64, dir: scratch });
      return { base: image.mount({}, join(scratch, 'ext4')), close: () => image.close() };
    }),
  );
  backendSuite('directory on tmpfs', { ...DIRECTORY, flags: false }, () =>
    ground('tmpfs', (scratch) => {
      const tmpfs = mountTmpfs(join(scratch, 'tmpfs'), 64);
      return { base: tmpfs.path, close: () => tmpfs.close() };
    }),
  );

  it('needs no privileges beyond those over the files themselves', async () => {
    await withScratch(async ({ path }) => {
      const archive = join(path, 'old_roots');
      for (const each of [archive, join(archive, '1700000001'), join(archive, '1700000002'), join(archive, '1700000002/etc')]) {
        mkdirSync(each);
        chownSync(each, 65534, 65534);
      }
      tool('chmod', '0755', path);
      const location = { backend: 'directory', live: null, blank: null, archive: fromText(archive) } as const;
      const user = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];
      const started = start('setpriv', [...user, process.execPath, ...actorCommand({ location, action: 'tour' })]);
      await started.gone;
      expect(JSON.parse(started.output())).toEqual({
        uid: 65534,
        before: 2,
        refusal: expect.stringContaining('it is pinned (mine)') as string,
        report: { nested: [], notes: [] },
        after: ['1700000001'],
      });
      expect(readdirSync(archive).sort()).toEqual(['.roots', '1700000001']);
    });
  });
});
