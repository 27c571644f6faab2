/**
 * Archives that live: boots, wrong clocks and a prune each day, held against the slow model, which keeps an archive of its own.
 */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { parseDuration } from '../../../src/retention/duration.ts';
import { parseFreeSpace } from '../../../src/retention/free-space.ts';
import { goForSpace, planRetention } from '../../../src/retention/plan.ts';
import type { Candidate } from '../../../src/retention/plan.ts';
import type { Policy } from '../../../src/retention/policy.ts';
import { modelVerdicts, type ModelVerdict } from './retention-model.ts';
import { policy as anyPolicy, situation, zone as anyZone } from './situations.ts';

vi.setConfig({ testTimeout: 180_000 });

const ARCHIVES = 10_000;
const HISTORIES = 60;
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

/** Ten boots a day for a week, then none for a month; half-hourly ones in the nights in which the clocks of Berlin change. */
function yearOfBoots(): Candidate[] {
  const times: number[] = [];
  for (let day = 0; day < 365; day += 1) {
    const start = Date.UTC(2027, 0, 1 + day);
    if (day % 37 < 7) for (let boot = 0; boot < 10; boot += 1) times.push(start + (7 * 60 + boot * 72) * MINUTE_MS);
  }
  for (const night of [Date.UTC(2027, 2, 28), Date.UTC(2027, 9, 31)]) {
    for (let half = -4; half <= 6; half += 1) times.push(night + half * 30 * MINUTE_MS);
  }
  return times.toSorted((a, b) => a - b).map((ms, at) => rootAt(new Date(ms), at));
}

interface WrongClock {
  /** When it boots in truth. */
  readonly appears: Date;
  readonly root: Candidate;
}

const WRONG_CLOCKS: readonly WrongClock[] = [
  { appears: new Date('2027-01-05T12:00Z'), root: { ...rootAt(new Date(20_000), 9001), protections: ['implausible time'] } },
  { appears: new Date('2027-01-06T12:00Z'), root: rootAt(new Date(86_400_000), 9002) },
  { appears: new Date('2027-02-10T12:00Z'), root: rootAt(new Date('2027-03-01T09:00Z'), 9003) },
  { appears: new Date('2027-02-11T12:00Z'), root: rootAt(new Date('2028-06-01T09:00Z'), 9004) },
];

const POLICIES: Readonly<Record<string, Policy>> = {
  'the usual one': { last: 3, daily: 7, weekly: 4, monthly: 6 },
  'hours, bounded by age': { last: 2, hourly: 30, daily: 14, maxAge: lengthOf('30d') },
  'age alone': { maxAge: lengthOf('60d') },
  'age alone, with a floor': { last: 5, maxAge: lengthOf('2w') },
  'within, years and months': { within: lengthOf('14d'), monthly: 3, yearly: 2 },
  'rules, and space': { daily: 9, minFree: freeSpaceOf('10%') },
};

describe('a year of boots, pruned every day', () => {
  it.each(Object.entries(POLICIES))('keeps what the model keeps: %s', (_, policy) => {
    for (const zone of policy.daily === 7 ? ['Europe/Berlin', 'Australia/Lord_Howe'] : ['Europe/Berlin']) {
      let real: readonly Candidate[] = [];
      let model: readonly Candidate[] = [];
      let greatest = 0;
      let removed = 0;
      for (const { now, booted } of daysOfYear()) {
        real = [...real, ...booted];
        model = [...model, ...booted];
        const left = agreedDay({ real, model, policy, now, zone }, 0);
        greatest = Math.max(greatest, real.length);
        removed += real.length - left.real.length;
        ({ real, model } = left);
      }
      expect(greatest).toBeGreaterThan(20);
      expect(removed).toBeGreaterThan(500);
    }
  });

  it('leaves the roots that one finds by hand', () => {
    let archive: readonly Candidate[] = [];
    for (const { now, booted } of daysOfYear()) archive = pruned([...archive, ...booted], POLICIES['the usual one']!, now, 'Europe/Berlin');
    const plan = planRetention(archive, POLICIES['the usual one']!, new Date('2028-01-01T00:00Z'), 'Europe/Berlin');
    expect(plan.map(({ root, reasons }) => `${root.time.toISOString().slice(0, 16)} ${reasons.join(', ')}`)).toEqual([
      '2028-06-01T09:00 future',
      '2027-12-06T17:48 last 3, daily 2027-12-06, weekly 2027-W49, monthly 2027-12',
      '2027-12-06T16:36 last 3',
      '2027-12-06T15:24 last 3',
      '2027-12-05T17:48 daily 2027-12-05, weekly 2027-W48',
      '2027-12-04T17:48 daily 2027-12-04',
      '2027-12-03T17:48 daily 2027-12-03',
      '2027-12-02T17:48 daily 2027-12-02',
      '2027-12-01T17:48 daily 2027-12-01',
      '2027-11-30T17:48 daily 2027-11-30, monthly 2027-11',
      '2027-10-31T03:00 weekly 2027-W43, monthly 2027-10',
      '2027-10-24T17:48 weekly 2027-W42',
      '2027-09-23T17:48 monthly 2027-09',
      '2027-08-17T17:48 monthly 2027-08',
      '2027-07-11T17:48 monthly 2027-07',
      '1970-01-01T00:00 implausible time',
    ]);
  });

  it('keeps both hours of the autumn night that bear one name, and no hour that the spring night left out', () => {
    const hours = (until: string) => {
      const now = new Date(until);
      const booted = yearOfBoots().filter(({ time }) => time <= now);
      const plan = planRetention(booted, { last: 1, hourly: 6 }, now, 'Europe/Berlin');
      return plan.filter(({ keep }) => keep).map(({ root, reasons }) => `${root.time.toISOString().slice(11, 16)}Z ${reasons.at(-1)!}`);
    };
    expect(hours('2027-10-31T02:00Z').slice(0, 5)).toEqual([
      '02:00Z hourly 2027-10-31T03',
      '01:30Z hourly 2027-10-31T02',
      '00:30Z hourly 2027-10-31T02',
      '23:30Z hourly 2027-10-31T01',
      '22:30Z hourly 2027-10-31T00',
    ]);
    expect(hours('2027-03-28T01:00Z').slice(0, 3)).toEqual([
      '01:00Z hourly 2027-03-28T03',
      '00:30Z hourly 2027-03-28T01',
      '23:30Z hourly 2027-03-28T00',
    ]);
  });
});

describe('random policies and archives', () => {
  it(`agree with the model in ${ARCHIVES} cases`, () => {
    let cases = 0;
    let verdicts = 0;
    fc.assert(
      fc.property(situation, ({ roots, policy, now, zone }) => {
        cases += 1;
        verdicts += roots.length;
        agreedDay({ real: roots, model: roots, policy, now, zone }, 0);
      }),
      { numRuns: ARCHIVES },
    );
    expect(cases).toBeGreaterThanOrEqual(ARCHIVES);
    console.log(`${cases} random archives with ${verdicts} verdicts agree with the model`);
  });

  it(`agree with the model over ${HISTORIES} histories, pruned every day, at times for lack of space`, () => {
    const stretch = fc.record({
      days: fc.integer({ min: 1, max: 20 }),
      perDay: fc.constantFrom(0, 0, 1, 3, 6),
      clockOffDays: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-20_000, -2, 2, 15, 900) }),
      protection: fc.oneof(
        { weight: 5, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom('pinned', 'mounted') },
      ),
      goForSpace: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }) }),
    });
    const history = fc.record({
      stretches: fc.array(stretch, { minLength: 2, maxLength: 8 }),
      start: fc
        .constantFrom('2026-10-10T04:10Z', '2027-03-20T23:50Z', '2026-12-20T12:00Z', '2027-03-25T01:30Z')
        .map((text) => Date.parse(text)),
      policy: anyPolicy,
      zone: anyZone,
    });
    let plans = 0;
    fc.assert(
      fc.property(history, ({ stretches, start, policy, zone }) => {
        let real: readonly Candidate[] = [];
        let model: readonly Candidate[] = [];
        let clock = start;
        let number = 0;
        for (const { days, perDay, clockOffDays, protection, goForSpace: many } of stretches) {
          for (let day = 0; day < days; day += 1) {
            clock += DAY_MS;
            const now = new Date(clock);
            const booted = Array.from({ length: perDay }, (_, boot) => {
              const off = boot === 0 ? clockOffDays * DAY_MS : 0;
              number += 1;
              return {
                ...rootAt(new Date(clock - boot * 200 * MINUTE_MS + off), number),
                protections: protection && boot < 2 ? [protection] : [],
              };
            });
            real = [...real, ...booted];
            model = [...model, ...booted];
            plans += 1;
            ({ real, model } = agreedDay({ real, model, policy, now, zone }, many));
          }
        }
        expect(namesOf(real).toSorted()).toEqual(namesOf(model).toSorted());
      }),
      { numRuns: HISTORIES },
    );
    console.log(`${plans} plans of ${HISTORIES} random histories agree with the model`);
  });
});

/** Each day's prune, with the roots that were archived since the last one. */
function* daysOfYear(): Generator<{ now: Date; booted: Candidate[] }> {
  const boots = [...yearOfBoots().map((root) => ({ appears: root.time, root })), ...WRONG_CLOCKS];
  for (let now = Date.UTC(2027, 0, 1, 4); now <= Date.UTC(2027, 11, 31, 4); now += DAY_MS) {
    const booted = boots.filter(({ appears }) => appears.getTime() <= now && appears.getTime() > now - DAY_MS);
    yield { now: new Date(now), booted: booted.map(({ root }) => root) };
  }
}

function rootAt(time: Date, number: number): Candidate {
  return { name: `root_${number}`, time, protections: [] };
}

function pruned(roots: readonly Candidate[], policy: Policy, now: Date, zone: string): Candidate[] {
  return planRetention(roots, policy, now, zone).flatMap(({ root, keep }) => (keep ? [root] : []));
}

interface Day {
  readonly real: readonly Candidate[];
  readonly model: readonly Candidate[];
  readonly policy: Policy;
  readonly now: Date;
  readonly zone: string;
}

/** The same verdicts, root by root; what is left of both archives when `many` go for lack of space besides. */
function agreedDay({ real, model, policy, now, zone }: Day, many: number): Pick<Day, 'real' | 'model'> {
  const plan = planRetention(real, policy, now, zone);
  const modelled = modelVerdicts(model, policy, now, zone);
  const wordsOf = (list: readonly ModelVerdict[]) =>
    list.map(({ root, keep, firm, reasons }) => `${root.name} ${keep} ${firm} ${reasons.join(', ')}`).toSorted();
  expect(wordsOf(plan)).toEqual(wordsOf(modelled));

  const forSpace = new Set(
    goForSpace(plan)
      .slice(0, many)
      .map(({ root }) => root),
  );
  // The oldest of those that are loose, one after the other.
  const oldest = modelled
    .filter(({ keep, firm }) => keep && !firm)
    .map(({ root }) => root)
    .toSorted((a, b) => +a.time - +b.time || Number(a.name.slice(5)) - Number(b.name.slice(5)))
    .slice(0, many);
  return {
    real: plan.flatMap(({ root, keep }) => (keep && !forSpace.has(root) ? [root] : [])),
    model: modelled.flatMap(({ root, keep }) => (keep && !oldest.includes(root) ? [root] : [])),
  };
}

function namesOf(roots: readonly Candidate[]): string[] {
  return roots.map(({ name }) => name);
}

function lengthOf(text: string) {
  return parseDuration(text)!;
}

function freeSpaceOf(text: string) {
  return parseFreeSpace(text)!;
}
