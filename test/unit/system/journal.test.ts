import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isJournal, tellJournal, withPriority } from '../../../src/system/journal.ts';
import type { Run } from '../../../src/system/run.ts';
import { withScratch } from '../../support/scratch.ts';

let before: string | undefined;
beforeEach(() => {
  before = process.env['JOURNAL_STREAM'];
  delete process.env['JOURNAL_STREAM'];
});
afterEach(() => {
  if (before === undefined) delete process.env['JOURNAL_STREAM'];
  else process.env['JOURNAL_STREAM'] = before;
});

describe('the journal', () => {
  it('is where a descriptor leads only if that is the very stream that systemd names', async () => {
    await withScratch(async ({ path }) => {
      const file = join(path, 'stream');
      writeFileSync(file, '');
      const fd = openSync(file, 'r');
      const { dev, ino } = fstatSync(fd);
      expect(isJournal(fd)).toBe(false);
      process.env['JOURNAL_STREAM'] = `${String(dev)}:${String(ino)}`;
      expect(isJournal(fd)).toBe(true);
      process.env['JOURNAL_STREAM'] = `${String(dev)}:${String(ino + 1)}`;
      expect(isJournal(fd)).toBe(false);
      closeSync(fd);
      expect(isJournal(9999)).toBe(false);
    });
  });

  it('gets a priority for every line that has anything in it', () => {
    expect(withPriority('one\n\ntwo\n', 'error')).toBe('<3>one\n\n<3>two\n');
    expect(withPriority('', 'info')).toBe('');
    expect((['warning', 'notice', 'info'] as const).map((level) => withPriority('x', level))).toEqual(['<4>x', '<5>x', '<6>x']);
  });

  it('is not told twice, by a service whose output it has already', async () => {
    process.env['JOURNAL_STREAM'] = '1:2';
    const run: Run = () => Promise.reject(new Error('started'));
    expect(await tellJournal(run, [{ level: 'notice', text: 'x' }])).toBeNull();
  });
});
