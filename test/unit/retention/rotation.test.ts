import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSlotName, isTemporaryName, planRotation } from '../../../src/retention/rotation.ts';
import type { RotationOptions, RotationPlan, Snapshot } from '../../../src/retention/rotation.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const WEEK: RotationOptions = { slots: 7, now: NOW, zone: 'UTC' };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('a slot name', () => {
  it.each(['today', 'yesterday', '2daysago', '9daysago', '10daysago', '31daysago', '123456789daysago', 'today_1', '2daysago_12'])(
    'is %s',
    (name) => {
      expect(isSlotName(name)).toBe(true);
    },
  );

  it.each([
    '',
    'Today',
    '@today',
    'today_',
    'today_0',
    'today_01',
    'today_1_2',
    '0daysago',
    '1daysago',
    '02daysago',
    '-2daysago',
    '2daysago ',
    'today\n',
    '1234567890daysago',
    'today_1234567890',
    'tomorrow',
    '2026-11-20',
    '.roots-rotating.5',
  ])('is not %j', (name) => {
    expect(isSlotName(name)).toBe(false);
  });

  it('is not a temporary one', () => {
    expect(isTemporaryName('.roots-rotating.5')).toBe(true);
    expect(isTemporaryName('today')).toBe(false);
  });
});

describe('a rotation', () => {
  it('begins with today', () => {
    expect(planRotation([], WEEK)).toEqual({ renames: [], take: 'today', drop: [], keep: [] });
  });

  it('moves each on by the days since it was taken, the oldest first, and drops what has no slot left', () => {
    const snapshots = [
      taken('2026-11-19T18:00:00Z', 'today'),
      taken('2026-11-18T18:00:00Z', 'yesterday'),
      taken('2026-11-17T18:00:00Z', '2daysago'),
    ];
    expect(planRotation(snapshots, { ...WEEK, slots: 3 })).toEqual({
      renames: [
        { id: '2026-11-17T18:00:00Z', from: '2daysago', to: '3daysago' },
        { id: '2026-11-18T18:00:00Z', from: 'yesterday', to: '2daysago' },
        { id: '2026-11-19T18:00:00Z', from: 'today', to: 'yesterday' },
      ],
      take: 'today',
      drop: [taken('2026-11-17T18:00:00Z', '3daysago')],
      keep: [taken('2026-11-19T18:00:00Z', 'yesterday'), taken('2026-11-18T18:00:00Z', '2daysago')],
    });
  });

  it('does nothing a second time on the same day', () => {
    const snapshots = [taken('2026-11-20T00:00:00Z', 'today'), taken('2026-11-19T23:59:59Z', 'yesterday')];
    expect(planRotation(snapshots, { ...WEEK, slots: 2 })).toEqual({ renames: [], take: null, drop: [], keep: snapshots });
  });

  it('keeps the last days that have one, however long ago they are', () => {
    const snapshots = ['2026-10-20', '2026-10-19', '2026-10-17'].map((day, at) => taken(`${day}T10:00:00Z`, `${at + 2}daysago`));
    const plan = planRotation(snapshots, { ...WEEK, slots: 3 });
    expect(plan.keep.map(({ name }) => name)).toEqual(['31daysago', '32daysago']);
    expect(plan.drop.map(({ name }) => name)).toEqual(['34daysago']);
  });

  it('numbers the older ones of a day, and keeps or drops a day as a whole', () => {
    const snapshots = [
      taken('2026-11-18T09:00:00Z', '.roots-rotating.1'),
      taken('2026-11-18T11:00:00Z', '2daysago_1'),
      taken('2026-11-18T10:00:00Z', '2daysago'),
      taken('2026-11-17T09:00:00Z', 'yesterday'),
      taken('2026-11-17T08:00:00Z', 'today'),
    ];
    const plan = planRotation(snapshots, { ...WEEK, slots: 2 });
    expect(plan.keep).toEqual([
      taken('2026-11-18T11:00:00Z', '2daysago'),
      taken('2026-11-18T10:00:00Z', '2daysago_1'),
      taken('2026-11-18T09:00:00Z', '2daysago_2'),
    ]);
    expect(plan.drop).toEqual([taken('2026-11-17T08:00:00Z', '3daysago_1'), taken('2026-11-17T09:00:00Z', '3daysago')]);
  });

  it('breaks a circle with a temporary name', () => {
    const snapshots = [taken('2026-11-20T10:00:00Z', 'yesterday'), taken('2026-11-19T10:00:00Z', 'today')];
    expect(planRotation(snapshots, WEEK).renames).toEqual([
      { id: '2026-11-20T10:00:00Z', from: 'yesterday', to: '.roots-rotating.2026-11-20T10:00:00Z' },
      { id: '2026-11-19T10:00:00Z', from: 'today', to: 'yesterday' },
      { id: '2026-11-20T10:00:00Z', from: '.roots-rotating.2026-11-20T10:00:00Z', to: 'today' },
    ]);
  });

  it('goes by the calendar of the zone', () => {
    const snapshots = [taken('2026-11-19T23:30:00Z', 'today')];
    expect(planRotation(snapshots, { ...WEEK, zone: 'Europe/Berlin' }).take).toBeNull();
    expect(planRotation(snapshots, WEEK).keep).toEqual([taken('2026-11-19T23:30:00Z', 'yesterday')]);
  });

  it('counts a later hour of the same day as today', () => {
    expect(planRotation([taken('2026-11-20T23:59:00Z', 'today')], WEEK).take).toBeNull();
  });

  it.each([
    ['Europe/Berlin', 'a day of 23 hours', '2027-03-27T23:30+01:00', '2027-03-28T23:30+02:00', 'yesterday'],
    ['Europe/Berlin', 'less than 24 hours over it', '2027-03-28T00:30+01:00', '2027-03-29T00:15+02:00', 'yesterday'],
    ['Europe/Berlin', 'a day of 25 hours', '2026-10-25T00:15+02:00', '2026-10-25T23:45+01:00', 'today'],
    ['Australia/Lord_Howe', 'half an hour more', '2027-04-04T00:10+11:00', '2027-04-04T23:50+10:30', 'today'],
    ['Pacific/Apia', 'a day that was left out', '2011-12-29T12:00-10:00', '2011-12-31T12:00+14:00', '2daysago'],
  ])('counts days in %s: %s', (zone, _, then, now, name) => {
    const plan = planRotation([taken(then, '9daysago')], { slots: 7, now: new Date(now), zone });
    expect(plan.keep.map((snapshot) => snapshot.name)).toEqual([name]);
  });
});

describe('a snapshot from a day to come, or of no readable time', () => {
  it('stays where it is, counts for nothing, and is never dropped', () => {
    const undated = [taken('2026-11-21T00:00:00Z', '3daysago'), { name: 'yesterday', id: 'x', time: new Date(Number.NaN) }];
    const plan = planRotation([...undated, taken('2026-11-18T10:00:00Z', '2daysago')], { ...WEEK, slots: 1 });
    expect(plan).toMatchObject({ renames: [], take: 'today', keep: undated });
    expect(plan.drop).toHaveLength(1);
  });

  it('makes way for one that needs its name, and for the one to be taken', () => {
    const plan = planRotation([taken('2026-11-21T00:00:00Z', 'today'), taken('2026-11-19T10:00:00Z', 'today_1')], WEEK);
    expect(plan.renames).toEqual([
      { id: '2026-11-19T10:00:00Z', from: 'today_1', to: 'yesterday' },
      { id: '2026-11-21T00:00:00Z', from: 'today', to: '.roots-rotating.2026-11-21T00:00:00Z' },
    ]);
    expect(plan.take).toBe('today');
  });

  it('gets its slot when its day has come', () => {
    const waiting = taken('2026-11-21T09:00:00Z', '.roots-rotating.2026-11-21T09:00:00Z');
    const plan = planRotation([waiting], { ...WEEK, now: new Date('2026-11-22T09:00:00Z') });
    expect(plan.keep.map(({ name }) => name)).toEqual(['yesterday']);
  });
});

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
  const snapshots = fc
    .uniqueArray(fc.record({ name, time }), { maxLength: 9, selector: (each) => each.name })
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

  it('gives every dated snapshot the name of its day, one of them the plain one', () => {
    fc.assert(
      fc.property(situation, ({ snapshots, options }) => {
        for (const { id, name, time } of rotated(snapshots, options)) {
          const age = slowDaysAgo(time, options.now, options.zone ?? 'UTC');
          if (age === undefined) continue;
          const slot = ['today', 'yesterday'][age] ?? `${age}daysago`;
          expect([id, name.split('_')[0]]).toEqual([id, slot]);
          expect(isSlotName(name)).toBe(true);
        }
        const names = rotated(snapshots, options).map(({ name }) => name);
        expect(names).toContain('today');
        for (const name of names.filter(isSlotName).filter((each) => each.endsWith('_1'))) {
          const isOfUndated = snapshots.some(
            (each) => each.name === name && slowDaysAgo(each.time, options.now, options.zone ?? 'UTC') === undefined,
          );
          expect(isOfUndated || names.includes(name.slice(0, -2))).toBe(true);
        }
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
      { numRuns: 3000 },
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
          return days !== undefined && [...ages].filter((other) => other < days).length >= options.slots;
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

/** A snapshot whose id tells its time. */
function taken(time: string, name: string): Snapshot {
  return { name, id: time, time: new Date(time) };
}

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
