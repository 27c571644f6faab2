/** What stands for the bytes of a small file. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { toBytes } from '../byte-path.ts';
import { Unreadable, type Located } from '../diff/tree.ts';
import { errnoOf } from '../errors.ts';
import { asUnreadable, CHANGED, requireSame } from './unreadable.ts';

/** Equal if and only if the bytes are. Errors: `Unreadable`, also if it is no longer what was listed. */
export function digestOf(located: Located): string {
  try {
    const file = openQuietly(located);
    try {
      const stats = fstatSync(file, { bigint: true });
      if (!stats.isFile()) throw new Unreadable(CHANGED);
      requireSame(stats, located.entry);
      return createHash('sha256').update(readFileSync(file)).digest('hex');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw asUnreadable(error, located);
  }
}

const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Reading is no reason to write an access time into an old root; but only the owner and root may ask for that. */
function openQuietly({ address }: Located): number {
  try {
    return openSync(toBytes(address), READ_ONLY | constants.O_NOATIME);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
    return openSync(toBytes(address), READ_ONLY);
  }
}
