import { describe, expect, it } from 'vitest';
import { fromBytes, fromText, type BytePath } from '../../../src/byte-path.ts';
import { matchPaths } from '../../../src/operations/path-match.ts';

const match = (paths: readonly string[], words: string, { near = '', most = 10 } = {}) =>
  matchPaths(paths.map(fromText), words, { near: near as BytePath, most });

describe('matchPaths', () => {
  it('wants every word, in whatever case and order', () => {
    const paths = ['home/alice/.config/App/Settings.json', 'home/alice/settings.txt', 'etc/app'];
    expect(match(paths, 'SETTINGS app').paths).toEqual(['home/alice/.config/App/Settings.json']);
    expect(match(paths, 'nothing')).toEqual({ paths: [], count: 0 });
  });

  it('puts names before paths: what is called so, what begins so, what has it, what is below it', () => {
    const paths = ['app/other', 'x/my-app', 'x/app-data', 'y/long/way/app/', 'app/'];
    expect(match(paths, 'app').paths).toEqual(['app/', 'y/long/way/app/', 'x/app-data', 'x/my-app', 'app/other']);
  });

  it('puts what is below the directory before what is equally good, and shorter paths first', () => {
    expect(match(['a/x', 'b/x', 'b/c/x'], 'x', { near: 'b' }).paths).toEqual(['b/x', 'b/c/x', 'a/x']);
  });

  it('takes an absolute path', () => {
    expect(match(['etc/fstab', 'var/etc/fstab'], '/etc/fstab').paths).toEqual(['etc/fstab', 'var/etc/fstab']);
  });

  it('gives no more than is wanted, and counts all', () => {
    const paths = Array.from({ length: 1000 }, (_, at) => `file-${String(at)}`);
    const { paths: best, count } = match(paths, 'file', { most: 3 });
    expect([best, count]).toEqual([['file-0', 'file-1', 'file-2'], 1000]);
  });

  it('finds letters that are not ASCII, and names by what is shown of them', () => {
    expect(match(['home/Übung.txt'], 'übung').count).toBe(1);
    const odd = [fromBytes(Buffer.from([0x63, 0x61, 0x66, 0xe9])), fromText('\u001b[31mred')];
    const find = (words: string): number => matchPaths(odd, words, { near: '' as BytePath, most: 5 }).count;
    expect([find('caf'), find('xe9'), find('\\e[31m'), find('\u001b')]).toEqual([1, 1, 1, 0]);
  });
});
