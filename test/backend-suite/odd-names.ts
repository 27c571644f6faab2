/** Names that are hard to carry through programs, as far as an archive takes them. */
import { fromBytes, fromText, type BytePath } from '../../src/byte-path.ts';
import type { Scene } from './scene.ts';

/** `room`: as many bytes are left for what is put before it. */
export function longName({ ground, archive }: Scene, room = 0): BytePath {
  return fromText('x'.repeat(ground.longestName(fromText(archive)) - room));
}

/** None of them as long as a name may be. */
export function oddNames({ about }: Scene): readonly BytePath[] {
  const everywhere = ['-rf', 'a  b', 'a:b', '.x', 'T.roots-trash.20261120T100000Z.x', '.roots-trash.'].map(fromText);
  if (about.names === 'zfs') return [...everywhere, ...['-', '_', '..x', '-o'].map(fromText)];
  const texts = ['line\nbreak', ' spaces  and\ttab ', 'back\\slash"\'', '*', '@', '%'].map(fromText);
  return [...everywhere, ...texts, fromBytes(Buffer.from([0x63, 0x61, 0x66, 0xe9])), fromBytes(Buffer.from([0xff, 0x0a, 0xfe]))];
}

/** One of them that no argument can be made of carelessly. */
export function oddest({ about }: Scene): BytePath {
  return about.names === 'zfs' ? fromText('-r  a:b') : fromBytes(Buffer.from([0xff, 0x0a, 0xfe]));
}

/** Two that are one where names are taken for text. */
export function alike({ about }: Scene): readonly [BytePath, BytePath] {
  return about.names === 'zfs' ? [fromText('a b'), fromText('a  b')] : ['caf\xe9' as BytePath, 'caf\xe8' as BytePath];
}
