import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromText } from '../../../../src/byte-path.ts';
import { TELLING, identify } from '../../../../src/backend/bcachefs/subvolumes.ts';
import { withScratch } from '../../../support/scratch.ts';

describe('on another filesystem', () => {
  it('nothing is taken for a subvolume of bcachefs, however often it is asked for', async () => {
    await withScratch(({ path }) => {
      mkdirSync(join(path, 'directory'));
      writeFileSync(join(path, 'file'), '');
      symlinkSync('directory', join(path, 'link'));
      const paths = ['directory', 'file', 'directory', 'link', 'nothing'].map((name) => fromText(join(path, name)));
      expect(identify(paths)).toEqual(paths.map(() => null));
      expect(paths.map(TELLING.isSubvolume)).toEqual(paths.map(() => false));
      expect(paths.map(TELLING.whyNoTree)).toEqual([
        'on another filesystem',
        'a file, not a subvolume',
        'on another filesystem',
        'a symbolic link, not a subvolume',
        'it does not exist',
      ]);
    });
  });
});
