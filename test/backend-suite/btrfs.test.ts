import { join } from 'node:path';
import { makeBtrfsImage } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { makeScratch } from '../support/scratch.ts';
import { BTRFS, btrfsGround } from './btrfs-ground.ts';
import type { Ground } from './ground.ts';
import { backendSuite } from './suite.ts';

function ground(): Ground {
  const scratch = makeScratch();
  const image = makeBtrfsImage({ sizeMiB: 256, dir: scratch.path });
  const close = (): void => {
    image.close();
    scratch.remove();
  };
  return btrfsGround({ device: image.device, base: image.mount({}, join(scratch.path, 'top')), close });
}

requires.btrfs('btrfs', () => {
  backendSuite('btrfs', BTRFS, ground);
});
