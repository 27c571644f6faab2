import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/retention/duration.ts';
import type { Policy } from '../../../src/retention/policy.ts';
import { simulate } from '../../../src/retention/simulate.ts';
import { renderSimulation } from '../../../src/ui/simulation-view.ts';
import { screenOf } from '../../../src/ui/terminal.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const DAILY = Array.from({ length: 9 }, (_, day) => new Date(Date.UTC(2026, 10, 12 + day, 8)));

describe('a simulation', () => {
  it('is a line for each day and a calendar of the last one', () => {
    expect(rendered(DAILY, { last: 1, daily: 3, weekly: 2 }, { days: 3 })).toBe(
      `
date        day  boots  go  stay  ages
2026-11-21  Sat      1   6     4  now 1d 2d 6d
2026-11-22  Sun      1   1     4  now 1d 2d 7d
2026-11-23  Mon      1   2     3  now 1d 2d

What is there on 2026-11-23, by date: 3 old roots

November 2026
Mon   Tue   Wed   Thu   Fri   Sat   Sun
                                     1
 2     3     4     5     6     7     8
 9    10    11    12    13    14    15
16    17    18    19    20    21 d  22 w
23 w  24    25    26    27    28    29
30

w weekly · d daily
`.trim(),
    );
  });

  it('says once that nothing changes for some days', () => {
    const text = rendered([new Date('2026-11-20T08:00Z'), new Date('2026-11-10T08:00Z')], { daily: 9 }, { days: 12 });
    expect(text.split('\n\n')[0]).toBe(
      `
date        day  boots  stay  ages
2026-11-21  Sat            2  the same to 2026-11-29
2026-11-30  Mon      1     3  now 10d 20d
2026-12-01  Tue            3  the same to 2026-12-02
`.trim(),
    );
  });

  it('counts the roots of one age and of one date, and marks the strongest rule', () => {
    const hours = Array.from({ length: 72 }, (_, hour) => new Date(NOW.getTime() - hour * 3_600_000));
    const text = rendered(hours, { last: 1, hourly: 30, daily: 2, monthly: 1 }, { days: 1 });
    expect(text).toContain('now×24 1d×6');
    expect(text).toMatch(/20 d17 {2}21 m13 {2}22\n/);
    expect(text).toContain('m monthly · d daily · with a number: so many of that date');
  });

  it('tells what is protected, of the future or without a date, each month that has one', () => {
    const roots = [
      ...DAILY.map((time, at) => ({ name: `root_${at}`, time, protections: [] })),
      { name: 'pinned', time: new Date('2025-02-28T08:00Z'), protections: ['pinned'] },
      { name: 'future', time: new Date('2030-01-01T08:00Z'), protections: [] },
      { name: 'nonsense', time: new Date(Number.NaN), protections: [] },
    ];
    const days = simulate(roots, { last: 1 }, { now: NOW, days: 1, zone: 'UTC' });
    const text = renderSimulation(screenOf({ isTTY: true, columns: 80 }, { NO_COLOR: '1' }), days, 'UTC');
    expect(text).toContain('future now 631d ?');
    expect(text.match(/^[A-Z][a-z]+ \d{4}$/gm)).toEqual(['February 2025', 'November 2026', 'January 2030']);
    expect(text).toContain('\n24    25    26    27    28 p\n');
    expect(text).toContain('p protected · f future · l last · 1 without a date');
  });

  it.each([
    [{ maxAge: parseDuration('30d')! }, 'a young enough'],
    [{ within: parseDuration('30d')! }, 'i within'],
    [{ hourly: 50 }, 'h hourly'],
    [{ yearly: 1 }, 'y yearly · l last'],
    [{}, 'k kept'],
  ])('names the letters that it uses: %j', (policy: Policy, legend) => {
    expect(rendered(DAILY, policy, { days: 1 }).split('\n').at(-1)).toBe(legend);
  });

  it.each([40, 60, 80, 100])('fits in %d columns', (columns) => {
    const roots = Array.from({ length: 200 }, (_, at) => new Date(NOW.getTime() - at * 5_000_000));
    for (const policy of [{ hourly: 90, daily: 30 }, { last: 3, daily: 40, weekly: 10 }, {}]) {
      for (const days of [1, 40]) {
        const lines = rendered(roots, policy, { days, columns }).split('\n');
        expect(lines.filter((line) => line.length > columns)).toEqual([]);
        expect(lines.filter((line) => line.endsWith(' '))).toEqual([]);
      }
    }
  });

  it('shows all ages where there is no terminal', () => {
    const text = rendered(DAILY, { daily: 90 }, { days: 60, columns: undefined });
    expect(text).toContain(' 66d 67d 68d\n');
    expect(text).not.toContain('…');
  });

  it('goes by the calendar of the zone', () => {
    const night = [new Date('2026-11-19T23:30Z'), new Date('2026-11-18T23:30Z')];
    expect(rendered(night, { daily: 9 }, { days: 1, zone: 'Europe/Berlin' })).toMatch(/^16 {4}17 {4}18 {4}19 d {2}20 d {2}21 d {2}22$/m);
    expect(rendered(night, { daily: 9 }, { days: 1 })).toMatch(/^16 {4}17 {4}18 d {2}19 d {2}20 d {2}21 {4}22$/m);
  });

  it('says the same with colour', () => {
    const days = simulate(rootsAt(DAILY), { daily: 3 }, { now: NOW, days: 9, zone: 'UTC' });
    const coloured = renderSimulation(screenOf({ isTTY: true, columns: 80 }, { FORCE_COLOR: '1' }), days, 'UTC');
    expect(coloured).toContain('\u001b[');
    const plain = renderSimulation(screenOf({ isTTY: true, columns: 80 }, { NO_COLOR: '1' }), days, 'UTC');
    expect(stripVTControlCharacters(coloured).replace(/ +$/gm, '')).toBe(plain);
  });

  it('of no days says so', () => {
    expect(renderSimulation(screenOf({}, {}), [], 'UTC')).toBe('no days to simulate');
  });
});

interface Circumstances {
  readonly days: number;
  readonly columns?: number | undefined;
  readonly zone?: string;
}

/** Without colour, in 80 columns and UTC unless said otherwise; without columns it is no terminal. */
function rendered(times: readonly Date[], policy: Policy, circumstances: Circumstances): string {
  const { days, columns, zone } = { columns: 80, zone: 'UTC', ...circumstances };
  const screen = screenOf(columns === undefined ? {} : { isTTY: true, columns }, { NO_COLOR: '1' });
  return renderSimulation(screen, simulate(rootsAt(times), policy, { now: NOW, days, zone }), zone);
}

function rootsAt(times: readonly Date[]) {
  return times.map((time, at) => ({ name: `root_${at}`, time, protections: [] }));
}
