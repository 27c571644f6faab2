import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newestFirst } from '../../../src/retention/newest-first.ts';
import { isSlotName, isTemporaryName, planRotation } from '../../../src/retention/rotation.ts';
import type { RotationOptions, RotationPlan, Snapshot } from '../../../src/retention/rotation.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const ZONES = ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Pacific/Apia', undefined];
const zone = fc.constantFrom(...ZONES);
/** Around the clock changes of Berlin and Lord Howe, and the day that Apia left out. */
const moment = fc
  .tuple(
    fc.constantFrom('2027-03-28T01:00Z', '2026-10-25T01:00Z', '2027-04-03T15:00Z', '2011-12-30T10:00Z'),
    fc.integer({ min: -20, max: 20 }),
  )
  .map(([corner, half]) => new Date(Date.parse(corner) + (half * HOUR_MS) / 2));

/** A directory in any state: wrong names, circles, what died halfway, temporary names of others, several of a moment, some undated. */
const situation = moment.chain((now) => {
  const time = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -4 * 48, max: 30 }).map((half) => new Date(now.getTime() + (half * HOUR_MS) / 2)) },
    { weight: 1, arbitrary: fc.constantFrom(new Date(Number.NaN), new Date(0), new Date(now.getTime() + 400 * DAY_MS)) },
  );
  const name = fc.oneof(
    fc.constantFrom('today', 'yesterday', '2daysago', '3daysago', '4daysago', 'today_1', 'today_2', 'yesterday_1', '2daysago_1'),
    fc.integer({ min: 0, max: 9 }).map((id) => `.roots-rotating.${id}`),
    fc.constantFrom('.roots-rotating.1_1', '.roots-rotating.2_1'),
  );
  const fixed = fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
  const snapshots = fc
    .uniqueArray(fc.record({ name, time, fixed }), { maxLength: 9, selector: (each) => each.name })
    .map((list) => list.map((each, at) => ({ ...each, id: String(at) })));
  return fc.record({ snapshots, options: fc.record({ slots: fc.integer({ min: 1, max: 5 }), now: fc.constant(now), zone }) });
});

describe('every rotation', () => {
  it('loses no snapshot, and renames each at most to a name that is free', () => {
    fc.assert(
      fc.property(situation, ({ snapshots, options }) => {
        const plan = planRotation(snapshots, options);
        const after = renamed(snapshots, plan, plan.renames.length);
        expect(byId([...plan.keep, ...plan.drop])).toEqual(byId(after));
        expect(after.map(({ name }) => name)).not.toContain(plan.take);
      }),
      { numRuns: 3000 },
    );
  });

  it('gives every dated snapshot that may move the name of its day, the plain one first and the newest first', () => {
    fc.assert(
      fc.property(situation, ({ snapshots, options }) => {
        const after = rotated(snapshots, options);
        const names = new Set(after.map(({ name }) => name));
        const last = new Map<string, number>();
        for (const { name, time, fixed } of after.toSorted((a, b) => b.time.getTime() - a.time.getTime() || idOrder(a, b))) {
          const age = slowDaysAgo(time, options.now, options.zone ?? 'UTC');
          if (age === undefined || fixed === true) continue;
          const [slot = '', nth = '0'] = name.split('_');
          expect(slot).toBe(['today', 'yesterday'][age] ?? `${age}daysago`);
          expect(isSlotName(name)).toBe(true);
          expect(Number(nth)).toBeGreaterThan(last.get(slot) ?? -1);
          last.set(slot, Number(nth));
          for (let lower = 0; lower < Number(nth); lower += 1) expect(names).toContain(lower === 0 ? slot : `${slot}_${lower}`);
        }
        expect(after.some(({ time }) => slowDaysAgo(time, options.now, options.zone ?? 'UTC') === 0)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves what is fixed under its name', () => {
    fc.assert(
      fc.property(situation, ({ snapshots, options }) => {
        const { keep } = planRotation(snapshots, options);
        expect(keep).toEqual(expect.arrayContaining(snapshots.filter(({ fixed }) => fixed)));
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves nothing to do for a second one', () => {
    fc.assert(
      fc.property(situation, ({ snapshots, options }) => {
        const after = rotated(snapshots, options);
        const again = planRotation(after, options);
        expect(again).toMatchObject({ renames: [], take: null, drop: [] });
        expect(byId(again.keep)).toEqual(byId(after));
      }),
      { numRuns: 2000 },
    );
  });

  it('comes to the same end when it dies after any step and is done again', () => {
    fc.assert(
      fc.property(situation, ({ snapshots, options }) => {
        const plan = planRotation(snapshots, options);
        const end = byId(rotated(snapshots, options));
        for (let steps = 0; steps < plan.renames.length; steps += 1) {
          const halfway = renamed(snapshots, plan, steps);
          expect(byId(rotated(halfway, options))).toEqual(end);
        }
        const droppedNothing = [...renamed(snapshots, plan, plan.renames.length), ...newOf(plan, options)];
        expect(byId(rotated(droppedNothing, options))).toEqual(end);
      }),
      { numRuns: 1500 },
    );
  });

  it('drops whole days only: those before the newest that have a snapshot', () => {
    fc.assert(
      fc.property(situation, ({ snapshots, options }) => {
        const { drop, take } = planRotation(snapshots, options);
        const age = ({ time }: Snapshot) => slowDaysAgo(time, options.now, options.zone ?? 'UTC');
        const ages = new Set([...snapshots.map(age), ...(take === null ? [] : [0])].filter((each) => each !== undefined));
        const gone = snapshots.filter((each) => {
          const days = age(each);
          return !each.fixed && days !== undefined && [...ages].filter((other) => other < days).length >= options.slots;
        });
        expect(drop.map(({ id }) => id).toSorted()).toEqual(gone.map(({ id }) => id).toSorted());
        expect(drop.map(({ time }) => time.getTime())).toEqual(drop.map(({ time }) => time.getTime()).toSorted((a, b) => a - b));
      }),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the order in which the snapshots are given', () => {
    const shuffled = situation.chain((s) => fc.tuple(fc.constant(s), fc.shuffledSubarray(s.snapshots, { minLength: s.snapshots.length })));
    fc.assert(
      fc.property(shuffled, ([{ snapshots, options }, others]) => {
        expect(planRotation(others, options)).toEqual(planRotation(snapshots, options));
      }),
    );
  });
});

describe('weeks of rotations', () => {
  /** Hours to the next run, a clock that is off for that run, and after how many steps the run dies. */
  const run = fc.record({
    hours: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 30 }) }, { weight: 1, arbitrary: fc.integer({ min: 48, max: 900 }) }),
    clockOffDays: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-9000, -3, 2, 400) }),
    diesAfter: fc.oneof({ weight: 2, arbitrary: fc.constant(Number.POSITIVE_INFINITY) }, { weight: 1, arbitrary: fc.nat(8) }),
  });

  it('end as if no run had died, with gaps, clock changes and wrong clocks', () => {
    const history = fc.record({
      start: moment,
      zone,
      slots: fc.integer({ min: 1, max: 7 }),
      runs: fc.array(run, { minLength: 1, maxLength: 25 }),
    });
    fc.assert(
      fc.property(history, ({ start, zone: inZone, slots, runs }) => {
        let snapshots: Snapshot[] = [];
        let clock = start.getTime();
        for (const { hours, clockOffDays, diesAfter } of runs) {
          clock += hours * HOUR_MS;
          const options = { slots, now: new Date(clock + clockOffDays * DAY_MS), zone: inZone };
          const plan = planRotation(snapshots, options);
          const before = snapshots.map(({ id }) => id);
          if (diesAfter < plan.renames.length) {
            snapshots = renamed(snapshots, plan, diesAfter);
            expect(snapshots.map(({ id }) => id)).toEqual(before);
            continue;
          }
          snapshots = rotated(snapshots, options);
          expect(snapshots.map(({ name }) => name)).toContain('today');
          const days = snapshots.map(({ time }) => slowDaysAgo(time, options.now, inZone ?? 'UTC')).filter((age) => age !== undefined);
          expect(new Set(days).size).toBeLessThanOrEqual(slots);
          expect(new Set(snapshots.map(({ name }) => name)).size).toBe(snapshots.length);
        }
        const last = { slots, now: new Date(clock + DAY_MS), zone: inZone };
        const misnamed = snapshots.map((snapshot) => ({ ...snapshot, name: `.roots-rotating.${snapshot.id}` }));
        const namesOf = (list: readonly Snapshot[]) =>
          byId(rotated(list, last).filter(({ time }) => slowDaysAgo(time, last.now, inZone ?? 'UTC') !== undefined));
        expect(namesOf(misnamed)).toEqual(namesOf(snapshots));
      }),
      { numRuns: 500 },
    );
  });

  it('keep each of the last days when run once a day, and when run every hour', () => {
    for (const hours of [1, 24]) {
      let snapshots: Snapshot[] = [];
      for (let at = Date.parse('2027-03-20T11:00Z'); at <= Date.parse('2027-04-05T11:00Z'); at += hours * HOUR_MS) {
        snapshots = rotated(snapshots, { slots: 4, now: new Date(at), zone: 'Europe/Berlin' });
      }
      expect(snapshots.map(({ name }) => name)).toEqual(['today', 'yesterday', '2daysago', '3daysago']);
    }
  });
});

/** What a run does that is not cut short. */
function rotated(snapshots: readonly Snapshot[], options: RotationOptions): Snapshot[] {
  const plan = planRotation(snapshots, options);
  const dropped = new Set(plan.drop.map(({ id }) => id));
  const left = renamed(snapshots, plan, plan.renames.length).filter(({ id }) => !dropped.has(id));
  return [...newOf(plan, options), ...left].toSorted((a, b) => b.time.getTime() - a.time.getTime());
}

function newOf({ take }: RotationPlan, { now }: RotationOptions): Snapshot[] {
  return take === null ? [] : [{ name: take, id: `taken-${now.getTime()}`, time: now }];
}

/** The first `steps` renames, as a filesystem does them that refuses to replace. */
function renamed(snapshots: readonly Snapshot[], { renames }: RotationPlan, steps: number): Snapshot[] {
  const names = new Map(snapshots.map(({ id, name }) => [id, name]));
  for (const { id, from, to } of renames.slice(0, steps)) {
    expect(names.get(id)).toBe(from);
    expect([...names.values()]).not.toContain(to);
    expect(isSlotName(to) || isTemporaryName(to)).toBe(true);
    names.set(id, to);
  }
  return snapshots.map((snapshot) => ({ ...snapshot, name: names.get(snapshot.id) ?? '' }));
}

function idOrder(a: Snapshot, b: Snapshot): number {
  return newestFirst({ name: a.id, time: a.time }, { name: b.id, time: b.time });
}

function byId(snapshots: readonly Snapshot[]): string[] {
  return snapshots.map(({ id, name }) => `${id} ${name}`).toSorted();
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** By counting the dates of the calendar between the two, as Intl gives them. */
function slowDaysAgo(time: Date, now: Date, inZone: string): number | undefined {
  if (Number.isNaN(time.getTime())) return undefined;
  const format = formats.get(inZone) ?? new Intl.DateTimeFormat('en-CA', { timeZone: inZone, dateStyle: 'short' });
  formats.set(inZone, format);
  const days = (Date.parse(format.format(now)) - Date.parse(format.format(time))) / DAY_MS;
  return days < 0 ? undefined : days;
}
