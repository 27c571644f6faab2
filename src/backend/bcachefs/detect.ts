/**
 * Recognising the layouts of the field on bcachefs.
 */
import type { Services } from '../backend.ts';
import { detectSubvolumes, type SubvolumeDetection } from '../subvolume-detection.ts';
import { mountAgain } from './filesystem.ts';
import { TELLING } from './subvolumes.ts';

export async function detectBcachefs({ privateMounts }: Services): Promise<SubvolumeDetection> {
  return detectSubvolumes({
    type: 'bcachefs',
    isSubvolume: TELLING.isSubvolume,
    mountTopLevel: (mount) => mountAgain(privateMounts, mount),
  });
}
