/** `roots diff --patch`, against patch(1), on a terminal, and for what has no lines. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { onTerminal } from './on-terminal.ts';
import { roots } from './roots.ts';

const TEXTS: readonly (readonly [name: string, before: string | null, after: string | null])[] = [
  ['changed', 'one\ntwo\nthree\n', 'one\n2\nthree\n'],
  ['no newline', 'one', 'two'],
  ['windows', 'one\r\ntwo\r\n', 'one\r\n2\r\n'],
  ['deep/new', null, 'new\n'],
  ['Café "quoted" \\ back', 'one\n', 'two\n'],
  ['gone', 'gone\n', null],
  ['escapes', 'plain\n', '\x1b[31mred\x1b[0m\n'],
  ['bytes', 'plain\n', '\xff\xfe not UTF-8\n'],
  ['moves/far', Array.from({ length: 90 }, (_, at) => `line ${String(at)}\n`).join(''), null],
];

describe('roots diff --patch', () => {
  let scratch: Scratch;
  const at = (...names: readonly string[]): string => join(scratch.path, ...names);
  const args = (...more: readonly string[]): string[] => ['diff', '--patch', '--config', at('roots.toml'), ...more];

  beforeAll(() => {
    scratch = makeScratch();
    const write = (path: string, content: string | Buffer | null): void => {
      mkdirSync(join(path, '..'), { recursive: true });
      if (content !== null) writeFileSync(path, typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
    };
    for (const [name, before, after] of TEXTS) {
      write(at('blank', name), before);
      write(at('live', name), after);
    }
    mkdirSync(at('old_roots'));
    write(
      at('roots.toml'),
      `[targets.root]\nbackend = "directory"\nlive = "${at('live')}"\nblank = "${at('blank')}"\narchive = "${at('old_roots')}"\n`,
    );
    write(at('live/binary'), Buffer.from([1, 0, 2]));
    write(at('live/large'), Buffer.alloc(2 << 20, 'x\n'));
    symlinkSync('here', at('blank/link'));
    symlinkSync('there', at('live/link'));
  });
  afterAll(() => scratch.remove());

  it('is what patch(1) makes the one of the other with, byte for byte', async () => {
    const { status, stderr, stdoutBytes } = await roots(args('--no-pager'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const patched = at('patched');
    cpSync(at('blank'), patched, { recursive: true });
    // It knows no patch of a link without what git says of it.
    rmSync(join(patched, 'link'));
    writeFileSync(join(patched, 'link'), readlinkSync(at('blank/link')));
    const result = spawnSync('patch', ['-p1', '--batch', '--binary'], { cwd: patched, input: stdoutBytes, encoding: 'utf8' });
    expect({ status: result.status, said: result.status === 0 ? '' : result.stdout }).toEqual({ status: 0, said: '' });
    for (const [name, , after] of TEXTS)
      if (after !== null) expect(readFileSync(join(patched, name)), name).toEqual(Buffer.from(after, 'latin1'));
    expect(readFileSync(join(patched, 'link'), 'utf8')).toBe('there');
  });

  it('says what is no text, and what is too long to show', async () => {
    const { stdout } = await roots(args());
    expect(stdout).toContain('+ /binary  3 B\n  binary, 3 B\n');
    expect(stdout).toContain('+ /large  2.0 MiB\n  too large to show, 2.0 MiB\n');
    expect(stdout).toContain('~ /link  target\n--- a/link\n+++ b/link\n@@ -1 +1 @@\n-here\n');
  });

  it('goes through a pager on a terminal, where no escape sequence of a file gets to', async () => {
    const paged = await onTerminal(args(), { env: { PAGER: 'sed s/^/paged:/' } });
    expect(paged.status).toBe(0);
    expect(stripVTControlCharacters(paged.output)).toContain('paged:+\\e[31mred\\e[0m');
    expect(
      paged.output
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('paged:')),
    ).toBe(true);
    const plain = await onTerminal(args('--no-pager'), { env: { PAGER: 'sed s/^/paged:/' } });
    expect(plain.output).not.toContain('paged:');
    expect(plain.output).not.toContain('\u001b[31mred');
    // What goes wrong is said, and nobody is kept waiting.
    const wrong = await onTerminal(args('typo'), { env: { PAGER: 'sed s/^/paged:/' } });
    expect([wrong.status, wrong.output]).toEqual([10, expect.stringContaining('typo')]);
    // Who leaves the pager has seen enough.
    expect((await onTerminal(args(), { env: { PAGER: 'head -n 1' } })).output.split('\n').length).toBeLessThan(4);
  });
});
