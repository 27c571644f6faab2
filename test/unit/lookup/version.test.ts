import { expect, it } from 'vitest';
import type { BytePath } from '../../../src/byte-path.ts';
import type { Entry } from '../../../src/diff/tree.ts';
import { changesBetween, fingerprintOf, identityOf, type State } from '../../../src/lookup/version.ts';

const STATE: State = { type: 'file', mode: 0o644, uid: 0n, gid: 0n, content: 'a', xattrs: new Map() };
const ENTRY: Entry = {
  name: 'x' as BytePath,
  type: 'file',
  mode: 0o644,
  uid: 0n,
  gid: 0n,
  size: 1n,
  rdev: 0n,
  mtimeNs: 5n,
  ctimeNs: 6n,
  dev: 7n,
  ino: 8n,
  mounted: false,
};

it.each<[string, Partial<State>, string[]]>([
  ['nothing', {}, []],
  ['content', { content: 'b' }, ['content']],
  ['mode and owner', { mode: 0o600, gid: 5n }, ['mode', 'owner']],
  ['attributes', { xattrs: new Map([['user.a' as BytePath, '00']]) }, ['xattr']],
  ['ACL', { xattrs: new Map([['system.posix_acl_access' as BytePath, '00']]) }, ['acl']],
  ['type, and nothing beside it', { type: 'directory', mode: 0o755, content: 'b' }, ['type']],
])('two states differ in %s', (_, more, what) => {
  const other = { ...STATE, ...more };
  expect(changesBetween(STATE, other)).toEqual(what);
  expect(fingerprintOf(STATE) === fingerprintOf(other)).toBe(what.length === 0);
});

it('the mode of a link is nothing, and where it leads is its content', () => {
  const link: State = { ...STATE, type: 'symlink' };
  expect(changesBetween(link, { ...link, mode: 0o700 })).toEqual([]);
  expect(fingerprintOf(link)).toBe(fingerprintOf({ ...link, mode: 0o700 }));
  expect(changesBetween(link, { ...link, content: 'b' })).toEqual(['target']);
});

it.each<[string, Partial<Entry>, bigint, boolean]>([
  ['a snapshot, on another device', { dev: 9n }, 4n, true],
  ['one that was changed since', { ctimeNs: 7n }, 4n, false],
  ['another inode', { ino: 9n }, 4n, false],
  ['an inode whose number was given again', {}, 5n, false],
])('%s', (_, more, born, isSame) => {
  expect(identityOf(ENTRY, 4n) === identityOf({ ...ENTRY, ...more }, born)).toBe(isSame);
});
