/** What removes something is never done unasked: without a terminal it wants --yes, and says so. */
import { tmpdir } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { missing } from '../support/requirements.ts';
import { digestsOf } from './answers.ts';
import { closing } from './closing.ts';
import type { Failure } from './contracts.ts';
import { allSpace } from './filling.ts';
import { KEYS, onTerminal } from './on-terminal.ts';
import { roots } from './roots.ts';
import { GOES, GOES_TOO, KEEP_ONE, KINDS, STAYS, smallBtrfs, smallDirectory } from './small-archives.ts';

const ROTATE = `rotate = { slots = 1 }\n${KEEP_ONE}`;

describe.each(KINDS)('without a terminal and without --yes, on %s', (kind, make) => {
  it.each([['prune'], ['prune', '--keep-last', '2'], ...(kind === 'btrfs' ? [['rotate'], ['rotate', '--slots', '1']] : [])])(
    '%s %s does nothing, ends with 2 and names the flag',
    async (...args) => {
      const archive = closing(make());
      for (const name of ['today', '5daysago']) archive.add(name);
      const config = archive.config(kind === 'btrfs' ? ROTATE : KEEP_ONE);
      const before = digestsOf(archive);
      const text = await roots([...args, '--config', config]);
      expect([text.status, text.stdout]).toEqual([2, '']);
      expect(text.stderr).toContain('--yes');
      const { status, json } = await roots([...args, '--json', '--config', config]);
      expect([status, (json as Failure).error]).toEqual([
        2,
        expect.objectContaining({ kind: 'usage', hint: expect.stringContaining('--yes') as string }),
      ]);
      expect(digestsOf(archive)).toEqual(before);
    },
  );

  it('undelete, which takes nothing away, needs none', async () => {
    const archive = closing(make());
    const config = archive.config(`${KEEP_ONE}\nprune = { grace = "1d" }`);
    expect((await roots(['prune', '--yes', '--config', config])).status).toBe(0);
    expect((await roots(['undelete', 'latest', '--config', config])).status).toBe(0);
    expect(archive.names().slice(-2)).toEqual([GOES_TOO, STAYS]);
  });
});

describe('the question on a terminal', () => {
  const ask = async (rules: string, question: RegExp, type: string, ...args: string[]) => {
    const archive = closing(smallDirectory());
    const result = await onTerminal(['prune', ...args, '--config', archive.config(rules)], { answers: [{ when: question, type }] });
    expect(result.output.replaceAll(/\s+/g, ' ')).toMatch(question);
    return { ...result, names: archive.names() };
  };

  it('says what is put into the trash', async () => {
    const { status, names } = await ask(`${KEEP_ONE}\nprune = { grace = "1d" }`, /Put 2 old roots into the trash\?/, `n${KEYS.enter}`);
    expect([status, names]).toEqual([0, [GOES, GOES_TOO, STAYS]]);
  });

  it('says what is deleted for good, and what may be for space', async () => {
    const question = /Delete 1 old root for good and delete up to 1 more until there is space\?/;
    const { status, names } = await ask(
      'keep = { last = 1 }',
      question,
      KEYS.ctrlC,
      '--keep-daily',
      '2',
      '--keep-last',
      '1',
      '--min-free',
      allSpace(tmpdir()),
    );
    expect([status, names]).toEqual([130, [GOES, GOES_TOO, STAYS]]);
  });

  it('says that what is put into the trash may be deleted at once for space', async () => {
    const question = /Put 2 old roots into the trash and delete up to 2 old roots until there is space\?/;
    const rules = `keep = { last = 1, daily = 1 }\nprune = { grace = "1d", min_free = "${allSpace(tmpdir())}" }`;
    const { output, names } = await ask(rules, question, `n${KEYS.enter}`);
    expect(stripVTControlCharacters(output).replaceAll(/\s+/g, ' ')).toMatch(/deleted at once if \S+ is not free/);
    expect(names).toEqual([GOES, GOES_TOO, STAYS]);
  });

  it.skipIf(missing('btrfs'))('rotate asks before it removes a snapshot', { meta: { needs: String(missing('btrfs')) } }, async () => {
    const archive = closing(smallBtrfs());
    const config = archive.config(ROTATE);
    expect((await roots(['rotate', '--yes', '--config', config])).status).toBe(0);
    const before = archive.names();
    expect(before).toContain('today');
    const { status, output } = await onTerminal(['rotate', '--config', config]);
    expect([status, output.includes('?')]).toEqual([0, false]);
    expect(archive.names()).toEqual(before);
  });
});
