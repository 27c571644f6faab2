import { describe, expect, it } from 'vitest';
import { fromBytes, fromText, type BytePath } from '../../../src/byte-path.ts';
import { matcherOf, understand } from '../../../src/lookup/glob.ts';

async function matching(typed: string, paths: readonly BytePath[]): Promise<BytePath[]> {
  const wanted = understand(typed);
  if (wanted.kind === 'path') throw new Error('a path needs no matcher');
  const matcher = await matcherOf(wanted);
  return paths.filter((path) => matcher.matches(path));
}

describe('what was typed', () => {
  it.each([
    ['/etc/fstab', { kind: 'path', text: '/etc/fstab' }],
    ['/etc/', { kind: 'path', text: '/etc' }],
    ['/home/me/report (1) +!@^$.pdf', { kind: 'path', text: '/home/me/report (1) +!@^$.pdf' }],
    ['./thesis.odt', { kind: 'path', text: './thesis.odt' }],
    [String.raw`/odd/\*`, { kind: 'path', text: '/odd/*' }],
    ['thesis.odt', { kind: 'name', pattern: 'thesis.odt' }],
    ['*.odt', { kind: 'name', pattern: '*.odt' }],
    ['/home/*/x', { kind: 'pattern', base: '/home', rest: '*/x' }],
    ['/*', { kind: 'pattern', base: '/', rest: '*' }],
    ['docs/*.odt', { kind: 'pattern', base: 'docs', rest: '*.odt' }],
    ['*/x', { kind: 'pattern', base: '', rest: '*/x' }],
    ['**/docs/x', { kind: 'pattern', base: null, rest: '**/docs/x' }],
    [String.raw`/a\*b/c?`, { kind: 'pattern', base: '/a*b', rest: 'c?' }],
  ])('%s', (typed, wanted) => {
    expect(understand(typed)).toEqual(wanted);
  });
});

describe('a pattern', () => {
  it.each<[string, string[], string[]]>([
    ['*.odt', ['a.odt', 'deep/down/b.odt', '.odt', 'new\nline.odt', '!x.odt'], ['a.odt.bak', 'x.odt/y']],
    ['thesis', ['thesis', 'a/thesis'], ['thesis2', 'thesis/x']],
    ['/h/*/x', ['a/x', '.a/x'], ['a/b/x', 'x']],
    ['/h/**/x', ['x', 'a/x', 'a/.b/x', 'a/new\nline/x'], ['a/y', 'ax']],
    ['/h/**', ['a', 'a/b', '.c/d'], []],
    ['/h/?', ['a', 'ü', '.'], ['ab', 'a/']],
    ['/h/[a-c]x', ['ax', 'cx'], ['dx']],
    ['/h/[!a]x', ['bx'], ['ax']],
    ['/h/a[!b]c', ['axc'], ['a/c', 'abc']],
    ['/h/[^b]', ['a'], ['b', '/']],
    ['/h/{a,b/c}/x', ['a/x', 'b/c/x'], ['b/x']],
    ['*(1)*', ['report (1).pdf'], ['report 1.pdf']],
    ['!(a)*', ['!(a)b'], ['b']],
    ['a+b@(c)*', ['a+b@(c)'], ['aab@c']],
    [String.raw`*\**`, ['a*b'], ['ab']],
    ['**/docs/*.md', ['docs/a.md', 'x/y/docs/a.md'], ['docs/x/a.md']],
  ])('%s', async (typed, fits, others) => {
    expect(await matching(typed, [...fits, ...others].map(fromText))).toEqual(fits.map(fromText));
  });

  it('fits names that are not UTF-8, byte for byte', async () => {
    const [latin, other] = [fromBytes(Buffer.from([0x63, 0x61, 0x66, 0xe9])), fromBytes(Buffer.from([0xff, 0xfe]))];
    expect(await matching('caf?', [latin, other])).toEqual([latin]);
    expect(await matching('*', [latin, other])).toEqual([latin, other]);
    expect(await matching('caf\udce9', [latin, fromText('café')])).toEqual([latin]);
  });

  it.each<[string, string[], string[]]>([
    ['/h/*/docs/x*', ['a', 'a/docs'], ['a/other', 'a/docs/x', 'a/docs/y']],
    ['/h/a*/**', ['ab', 'ab/c', 'ab/c/d'], ['b', 'b/c']],
    ['/h/{a,b/c}/x', ['a', 'b', 'b/c'], []],
    ['/h/*', [], ['a', 'b']],
    ['*.odt', ['a', 'a/b'], []],
  ])('%s says which directories need not be entered', async (typed, entered, left) => {
    const wanted = understand(typed);
    if (wanted.kind === 'path') throw new Error('a path needs no matcher');
    const matcher = await matcherOf(wanted);
    expect([...entered, ...left].filter((path) => matcher.mayHold(fromText(path)))).toEqual(entered);
  });
});
