import { chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fromText, toBytes, toText } from '../../src/byte-path.ts';
import { CAPABILITIES } from '../../src/backend/directory/adapter.ts';
import { makeExt4Image, mountTmpfs } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { makeScratch, tool, withScratch } from '../support/scratch.ts';
import { start } from './processes.ts';
import type { Ground } from './scene.ts';
import { backendSuite } from './suite.ts';
import { fileURLToPath } from 'node:url';

function ground(name: string, flags: boolean, place: (scratch: string) => { readonly base: string; close(): void }): Ground {
  const scratch = makeScratch();
  const { base, close } = place(scratch.path);
  return {
    name,
    capabilities: CAPABILITIES,
    flags,
    base,
    makeTree: (path) => mkdirSync(toBytes(path)),
    makeReadOnly: () => undefined,
    location: ({ live, blank, archive }) => ({
      backend: 'directory',
      live: fromText(live),
      blank: fromText(blank),
      archive: fromText(archive),
    }),
    mountTree: (path, at) => void tool('mount', '--bind', toText(path), at),
    commit: () => undefined,
    close: () => {
      close();
      scratch.remove();
    },
  };
}

requires.root('directory', () => {
  backendSuite('directory', { capabilities: CAPABILITIES, flags: true, alone: false }, () =>
    ground('directory', true, (scratch) => {
      mkdirSync(join(scratch, 'base'));
      return { base: join(scratch, 'base'), close: () => undefined };
    }),
  );
  backendSuite('directory on ext4', { capabilities: CAPABILITIES, flags: true, alone: true }, () =>
    ground('ext4', true, (scratch) => {
      const image = makeExt4Image({ sizeMiB: 64, dir: scratch });
      return { base: image.mount({}, join(scratch, 'ext4')), close: () => image.close() };
    }),
  );
  backendSuite('directory on tmpfs', { capabilities: CAPABILITIES, flags: false, alone: true }, () =>
    ground('tmpfs', false, (scratch) => {
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
      const task = { location: { backend: 'directory', live: null, blank: null, archive }, action: 'tour' };
      const actor = fileURLToPath(new URL('./actor.ts', import.meta.url));
      const user = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];
      const started = start('setpriv', [...user, process.execPath, '--import', 'tsx', actor, JSON.stringify(task)]);
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
