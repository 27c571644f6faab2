/**
 * Recognising the layouts of the field on btrfs.
 */
import { toText } from '../../byte-path.ts';
import type { Services } from '../backend.ts';
import { detectSubvolumes, type SubvolumeDetection } from '../subvolume-detection.ts';
import { TOP_LEVEL } from './adapter.ts';
import { isSubvolume } from './subvolumes.ts';

export async function detectBtrfs({ privateMounts }: Services): Promise<SubvolumeDetection> {
  return detectSubvolumes({
    type: 'btrfs',
    isSubvolume,
    mountTopLevel: ({ source }) => privateMounts.mount(toText(source), 'btrfs', TOP_LEVEL),
  });
}
