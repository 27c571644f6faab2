import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromBytes } from '../../../src/byte-path.ts';
import { run } from '../../../src/system/run.ts';
import { withScratch } from '../../support/scratch.ts';

const BYTES = fromBytes(Buffer.from([0xff, 0x0a, 0x20, 0x27, 0x5c, 0x22, 0xfe]));

describe('run', () => {
  it('gives status, bytes of standard output and text of standard error, whatever the status', async () => {
    const { status, stdout, stderr } = await run('sh', ['-c', "printf 'a\\377\\n\\n'; echo wrong >&2; exit 7"]);
    expect([status, stdout, stderr]).toEqual([7, Buffer.from([0x61, 0xff, 0x0a, 0x0a]), 'wrong']);
  });

  it('uses no shell, the C locale and an empty standard input', async () => {
    expect((await run('printf', ['%s|', '$(id)', '*', '', 'a b'])).stdout.toString()).toBe('$(id)|*||a b|');
    expect((await run('sh', ['-c', 'printf %s "$LC_ALL"'])).stdout.toString()).toBe('C');
    expect((await run('cat', [])).stdout).toHaveLength(0);
    expect((await run('cat', [], { input: Buffer.from([0, 0xff]) })).stdout).toEqual(Buffer.from([0, 0xff]));
  });

  it('passes arguments that are not UTF-8, with any others', async () => {
    const { status, stdout } = await run('printf', ['%s|', { path: BYTES }, '', '-x', { path: BYTES }, '$(id)', 'ünï', '{}']);
    expect(status).toBe(0);
    expect(stdout.toString('latin1')).toBe(`${BYTES}||-x|${BYTES}|$(id)|${Buffer.from('ünï').toString('latin1')}|{}|`);
  });

  it('passes many of them in one go', async () => {
    const { stdout } = await run('sh', ['-c', 'echo $#', 'sh', ...Array.from({ length: 5000 }, () => ({ path: BYTES }))]);
    expect(stdout.toString()).toBe('5000\n');
  });

  it('does not mistake a failure for success with them', async () => {
    expect((await run('sh', ['-c', 'exit 3', { path: BYTES }])).status).not.toBe(0);
    await expect(run('cat', [{ path: BYTES }], { input: Buffer.from('x') })).rejects.toThrow('cannot be had together');
  });

  it.each([[[]], [[{ path: BYTES }]]])('a program that is not installed is `unsupported`', async (args) => {
    await expect(run('roots-no-such-program', args)).rejects.toMatchObject({
      kind: 'unsupported',
      message: 'the program `roots-no-such-program` is not installed',
    });
  });

  it('a file that is no program is `not-permitted`', async () => {
    await withScratch(async ({ path }) => {
      writeFileSync(join(path, 'file'), '');
      await expect(run(join(path, 'file'), [])).rejects.toMatchObject({ kind: 'not-permitted' });
    });
  });

  it('shows a program that died of a signal as a shell would', async () => {
    expect((await run('sh', ['-c', 'kill -TERM $$'])).status).toBe(143);
    expect((await run('sh', ['-c', 'kill -KILL $$'])).status).toBe(137);
  });

  it('is `interrupted` when aborted, before or meanwhile, and has ended the program', async () => {
    await expect(run('true', [], { signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: 'interrupted' });
    const stop = new AbortController();
    const sleeping = run('sleep', ['600'], { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(sleeping).rejects.toMatchObject({ kind: 'interrupted' });
  });

  it('fails on a time-out', async () => {
    await expect(run('sleep', ['600'], { timeout: 50 })).rejects.toMatchObject({
      kind: 'failed',
      message: 'sleep took longer than 50 ms and was ended',
    });
  });

  it('takes large output whole', async () => {
    const { stdout } = await run('head', ['-c', '50000000', '/dev/zero']);
    expect(stdout).toHaveLength(50_000_000);
  });
});
