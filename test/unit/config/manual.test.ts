import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import { DIFF, KEEP, PRUNE, ROTATE, TARGET, TOP_LEVEL } from '../../../src/config/schema.ts';
import { FILE } from './parsed.ts';

describe('the manual', async () => {
  const manual = await readFile(new URL('../../../man/roots.toml.5', import.meta.url), 'utf8');
  const section = manual.split(/^\.Sh /m).find((part) => part.startsWith('EXAMPLES')) ?? '';
  const examples = Array.from(section.matchAll(/^\.Bd -literal.*\n([^]*?)^\.Ed$/gm), ([, text = '']) => text);

  it('has examples, in text that roff leaves alone', () => {
    expect(examples).toHaveLength(6);
    expect(examples.filter((example) => /^[.']|\\/m.test(example))).toEqual([]);
  });

  it.each(examples)('an example parses: %s', async (example) => {
    expect((await parseConfig(example, FILE)).targets).not.toEqual([]);
  });

  it.each([TOP_LEVEL, DIFF, TARGET, KEEP, PRUNE, ROTATE].flatMap(({ entries }) => Object.keys(entries)))('has the key %s', (key) => {
    const tables = ['diff', 'targets', 'keep', 'prune', 'rotate'];
    expect(manual).toMatch(tables.includes(key) ? new RegExp(`\\b${key}\\b`) : new RegExp(`^\\.It Ic ${key} No =`, 'm'));
  });
});
