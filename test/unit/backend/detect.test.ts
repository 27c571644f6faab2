import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { locate, openBackend } from '../../../src/backend/detect.ts';
import { PrivateMountPool } from '../../../src/system/private-mount.ts';
import { run } from '../../../src/system/run.ts';
import { makeBtrfsImage, makeExt4Image } from '../../support/loop-image.ts';
import { requires } from '../../support/requirements.ts';
import { tool, withScratch } from '../../support/scratch.ts';

const paths = (top: string, names: readonly [live: string, blank: string, archive: string]): Parameters<typeof locate>[0] => {
  const [live, blank, archive] = names.map((name) => fromText(join(top, name)));
  return { live: live ?? null, blank: blank ?? null, archive: archive ?? fromText(top) };
};
const services = { run, signal: new AbortController().signal, privateMounts: new PrivateMountPool(run, 'read') };

requires.btrfs('the location of an archive on btrfs', () => {
  it('is relative to the top level, whichever subvolume it is seen through', async () => {
    await withScratch(async ({ path }) => {
      const image = makeBtrfsImage({ sizeMiB: 128, dir: path });
      try {
        const top = image.mount({}, join(path, 'top'));
        for (const name of ['root', 'root-blank', 'persist', 'persist/old_roots']) tool('btrfs', 'subvolume', 'create', join(top, name));
        const persist = image.mount({ subvolume: 'persist' }, join(path, 'persist'));
        const expected = { backend: 'btrfs', device: image.device, live: 'root', blank: 'root-blank', archive: 'persist/old_roots' };
        expect(locate(paths(top, ['root', 'root-blank', 'persist/old_roots']))).toEqual(expected);
        expect(locate({ ...paths(top, ['root', 'root-blank', 'x']), archive: fromText(join(persist, 'old_roots')) })).toEqual(expected);
        expect(() => locate({ ...paths(top, ['root', 'root-blank', 'persist/old_roots']), live: fromText('/proc') })).toThrow(
          expect.objectContaining({ kind: 'usage' }) as Error,
        );
        await expect(
          openBackend({ backend: 'btrfs', device: image.device, live: null, blank: null, archive: fromText('none') }, services),
        ).rejects.toMatchObject({ kind: 'not-found' });
        await services.privateMounts.close();
      } finally {
        image.close();
      }
    });
  });
});

requires.root('the location of an archive elsewhere', () => {
  it('is by absolute paths', async () => {
    await withScratch(({ path }) => {
      const image = makeExt4Image({ sizeMiB: 16, dir: path });
      try {
        const top = image.mount({}, join(path, 'top'));
        mkdirSync(join(top, 'old_roots'));
        expect(locate(paths(top, ['root', 'root-blank', 'old_roots']))).toEqual({
          backend: 'directory',
          ...paths(top, ['root', 'root-blank', 'old_roots']),
        });
      } finally {
        image.close();
      }
    });
  });
});

it('an archive that does not exist is `not-found`', async () => {
  await expect(
    openBackend({ backend: 'directory', live: null, blank: null, archive: fromText('/nonexistent') }, services),
  ).rejects.toMatchObject({ kind: 'not-found' });
  await expect(
    openBackend({ backend: 'directory', live: null, blank: null, archive: fromText('/etc/hostname') }, services),
  ).rejects.toMatchObject({ kind: 'not-found' });
});
