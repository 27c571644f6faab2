/** `roots prune --simulate`: what would be there, day by day. */
import { statSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ready, start } from '../backend-suite/processes.ts';
import { namesOf, pin } from './answers.ts';
import { closing, killing } from './closing.ts';
import type { Failure, SimulatedDay, Simulation } from './contracts.ts';
import { onTerminal } from './on-terminal.ts';
import { roots, type Result } from './roots.ts';
import { GOES, GOES_TOO, KINDS, STAYS, smallDirectory, type SmallArchive } from './small-archives.ts';

const daysOf = (result: Result): readonly SimulatedDay[] => (result.json as Simulation).targets[0]!.days;
const simulate = (config: string, ...args: string[]): Promise<Result> => roots(['prune', '--simulate', ...args, '--config', config]);

/** Old roots of the last days, at noon: a boot a day. */
function addRecent(archive: SmallArchive, count: number): string[] {
  const today = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const names = Array.from({ length: count }, (_, at) => `${dateOf(today - (count - at) * 86_400_000)}_12:00:00`);
  for (const name of names) archive.add(name);
  return names;
}

const dateOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

describe.each(KINDS)('a simulation of %s', (_, make) => {
  it('goes on with the boots seen so far, day by day, and changes nothing on disk', async () => {
    const archive = closing(make());
    const recent = addRecent(archive, 7);
    const config = archive.config('keep = { last = 1, daily = 3 }');
    // Reads need no lock.
    await ready(killing(start('flock', ['--exclusive', '--no-fork', archive.archive, 'sh', '-c', 'echo ready; exec cat'])));
    const before = [archive.names(), statSync(archive.archive, { bigint: true }).ctimeNs];
    const result = await simulate(config, '10d', '--json');
    expect(result.status).toBe(0);
    const days = daysOf(result);
    expect(days.map(({ date }) => date)).toEqual(Array.from({ length: 10 }, (_, at) => dateOf(Date.now() + (at + 1) * 86_400_000)));
    expect(days.map(({ boots }) => boots)).toEqual(Array<number>(10).fill(1));
    expect(namesOf(days[0]!.remove)).toEqual([...recent.slice(0, 5).toReversed(), STAYS, GOES_TOO, GOES]);
    for (const { keep } of days) expect(keep).toHaveLength(3);
    expect(days[0]!.keep.map(({ simulated }) => simulated)).toEqual([true, false, false]);
    expect(days[9]!.keep.map(({ simulated }) => simulated)).toEqual([true, true, true]);
    expect(Object.keys(days[0]!).sort()).toEqual(['at', 'boots', 'date', 'keep', 'remove']);
    expect([archive.names(), statSync(archive.archive, { bigint: true }).ctimeNs]).toEqual(before);
  });
});

describe('a simulation', () => {
  it('for people is a line a day and a calendar, within the width of the screen', async () => {
    const archive = closing(smallDirectory());
    addRecent(archive, 7);
    const { status, stdout } = await simulate(archive.config(), '90d', '--keep-last', '2', '--keep-daily', '7', '--keep-monthly', '6');
    expect(status).toBe(0);
    const end = dateOf(Date.now() + 90 * 86_400_000);
    expect(stdout).toMatch(/^root\ndate +day +boots +go +stay +\S/m);
    expect(stdout.match(/^20\d\d-\d\d-\d\d +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) /gm)).toHaveLength(90);
    expect(stdout).toMatch(new RegExp(`^What is there on ${end}, by date: \\d+ old roots$`, 'm'));
    expect(stdout).toContain('Mon   Tue   Wed   Thu   Fri   Sat   Sun');
    expect(stdout).toMatch(/m monthly · d daily/);
    const { output } = await onTerminal(['prune', '--simulate', '90d', '--config', archive.config()], { columns: 80 });
    expect(output).toContain('What is there on');
    expect(
      stripVTControlCharacters(output)
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([]);
  });

  it('keeps what is pinned to the end, and says so', async () => {
    const archive = closing(smallDirectory());
    const config = archive.config();
    expect((await pin(config)).status).toBe(0);
    const last = daysOf(await simulate(config, '30d', '--json')).at(-1);
    expect(last?.keep.find(({ name }) => name === GOES)).toMatchObject({ reasons: ['pinned'], simulated: false });
  });

  it('without a policy says that nothing is ever removed', async () => {
    const archive = closing(smallDirectory());
    const { status, stdout } = await simulate(archive.config(''), '5d');
    expect([status, stdout]).toEqual([0, 'root  no policy is configured: nothing is ever removed.\n']);
  });

  it.each(['', 'soon', '0d', '1h', '11y', '-3d'])('refuses %j for a length', async (length) => {
    const archive = closing(smallDirectory());
    const result = await roots(['prune', `--simulate=${length}`, '--json', '--config', archive.config()]);
    expect([result.status, (result.json as Failure).error.kind]).toEqual([2, 'usage']);
  });

  it.each([['--yes'], ['--at', '2046-01-01']])('is not to be had with %s', async (...args) => {
    const archive = closing(smallDirectory());
    const result = await simulate(archive.config(), '5d', ...args);
    expect([result.status, result.stdout]).toEqual([2, '']);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });
});
