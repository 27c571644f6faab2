import { describe, expect, it } from 'vitest';
import { isSlotName, isTemporaryName, planRotation } from '../../../src/retention/rotation.ts';
import type { RotationOptions, Snapshot } from '../../../src/retention/rotation.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const WEEK: RotationOptions = { slots: 7, now: NOW, zone: 'UTC' };

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

describe('a snapshot to which nothing may be done', () => {
  it('keeps its name, and the name to itself, and stays beyond the slots', () => {
    const pinned = { ...taken('2026-11-12T10:00:00Z', 'yesterday'), fixed: true };
    const plan = planRotation([pinned, taken('2026-11-19T10:00:00Z', 'today')], { ...WEEK, slots: 1 });
    expect(plan).toEqual({
      renames: [{ id: '2026-11-19T10:00:00Z', from: 'today', to: 'yesterday_1' }],
      take: 'today',
      drop: [taken('2026-11-19T10:00:00Z', 'yesterday_1')],
      keep: [pinned],
    });
  });

  it('can have the name of the one to take, and the temporary one of another', () => {
    const strangers = ['today', '.roots-rotating.x'].map((name) => ({
      name,
      id: `stranger ${name}`,
      time: new Date(Number.NaN),
      fixed: true,
    }));
    expect(planRotation(strangers, WEEK).take).toBe('today_1');
    const [first, second] = strangers;
    const inTheWay = { name: 'yesterday', id: 'x', time: new Date('2027-01-01T00:00:00Z') };
    const plan = planRotation([first!, second!, inTheWay, taken('2026-11-19T10:00:00Z', '2daysago')], WEEK);
    expect(plan.renames.map(({ to }) => to)).toEqual(['.roots-rotating.x_1', 'yesterday']);
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

/** A snapshot whose id tells its time. */
function taken(time: string, name: string): Snapshot {
  return { name, id: time, time: new Date(time) };
}
