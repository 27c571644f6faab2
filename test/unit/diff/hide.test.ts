import { describe, expect, it } from 'vitest';
import { fromText, type BytePath } from '../../../src/byte-path.ts';
import type { Change } from '../../../src/diff/change.ts';
import { Hiding, type HidingRules } from '../../../src/diff/hide.ts';

/** `+ path/` is a new directory, `+ path -> target` a new link, `~` what is modified. */
function changeOf(line: string): { change: Change; target: BytePath | null } {
  const [, sign, name = '', target] = /^([+~>-]) (\S+?)(?: -> (\S+))?$/.exec(line) ?? [];
  const kind = sign === '+' ? 'added' : sign === '-' ? 'removed' : sign === '>' ? 'renamed' : 'modified';
  const type = target !== undefined ? 'symlink' : name.endsWith('/') ? 'directory' : 'file';
  return {
    change: { path: fromText(name.replace(/\/$/, '')), kind, type, what: [] },
    target: target === undefined ? null : fromText(target),
  };
}

function shown(lines: readonly string[], rules: Partial<HidingRules> = {}): { shown: string[]; counts: Hiding['counts'] } {
  const targets = new Map(lines.map((line) => [changeOf(line).change.path, changeOf(line).target]));
  const left: string[] = [];
  const hiding = new Hiding(
    { targetOf: ({ path }) => targets.get(path) ?? null, mountPoints: new Set(), persisted: [], isIgnored: () => false, ...rules },
    ({ path }) => left.push(path),
  );
  for (const line of lines) hiding.add(changeOf(line).change);
  hiding.end();
  expect(left.length + hiding.total).toBe(lines.length);
  return { shown: left, counts: hiding.counts };
}

describe('Hiding', () => {
  it('hides links that are made anew, and no others', () => {
    const lines = [
      '+ a -> /nix/store/x',
      '- b -> /etc/static/b',
      '~ c -> /run/current-system/sw',
      '+ d -> /home/alice',
      '+ static -> /etc/static',
      '+ e -> /nix/storehouse',
    ];
    expect(shown(lines)).toMatchObject({ shown: ['d', 'e'], counts: { store: 4 } });
  });

  it('hides what is mounted, persisted or ignored', () => {
    const lines = ['+ etc/machine-id', '+ nix/', '+ nix-old', '+ var/lib/a/', '+ var/lib/a/b', '+ var/lib/ab', '+ x.log'];
    expect(
      shown(lines, {
        mountPoints: new Set([fromText('etc/machine-id'), fromText('nix')]),
        persisted: [fromText('var/lib/a')],
        isIgnored: (path) => path.endsWith('.log'),
      }),
    ).toEqual({ shown: ['nix-old', 'var/lib/ab'], counts: { store: 0, mounted: 2, persisted: 2, ignored: 1 } });
  });

  it('hides a directory that holds nothing else, and shows it with whatever else is in it', () => {
    expect(shown(['+ etc/', '+ etc/a/', '+ etc/a/b -> /nix/store/b', '+ etc/c -> /nix/store/c'])).toMatchObject({
      shown: [],
      counts: { store: 4 },
    });
    expect(shown(['+ etc/', '+ etc/a/', '+ etc/a/b -> /nix/store/b', '+ etc/c'])).toMatchObject({
      shown: ['etc', 'etc/c'],
      counts: { store: 2 },
    });
    expect(shown(['- etc/', '- etc/a/', '- etc/a/b', '- etc/c -> /nix/store/c'])).toMatchObject({ shown: ['etc', 'etc/a', 'etc/a/b'] });
  });

  it('shows what is empty, with what it is in, in the order of the paths', () => {
    expect(shown(['+ a/', '+ b/', '+ b/c/', '+ b/d -> /nix/store/d', '+ e'])).toMatchObject({
      shown: ['a', 'b', 'b/c', 'e'],
      counts: { store: 1 },
    });
    expect(shown(['+ a/', '+ a/b -> /nix/store/b', '+ a/c/', '+ d/'])).toMatchObject({ shown: ['a', 'a/c', 'd'] });
  });

  it('shows a link that has taken the place of something else', () => {
    const hiding = new Hiding(
      { targetOf: () => fromText('/nix/store/x'), mountPoints: new Set(), persisted: [], isIgnored: () => false },
      () => undefined,
    );
    hiding.add({ path: fromText('etc/passwd'), kind: 'modified', type: 'symlink', what: ['type'] });
    expect(hiding.total).toBe(0);
  });

  it('never hides a directory that was renamed for what has changed in it', () => {
    expect(shown(['> app/', '~ app/link -> /nix/store/x']).shown).toEqual(['app']);
  });

  it('never hides a directory that was there before', () => {
    expect(shown(['~ etc/', '+ etc/a -> /nix/store/a'])).toMatchObject({ shown: ['etc'] });
  });
});
