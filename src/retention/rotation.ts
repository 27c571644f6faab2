/**
 * Rolling slots (`today`, `yesterday`, `2daysago`, …). The slot of a snapshot follows from its own time and the calendar alone, never from
 * the name that it has now. So it does not matter what earlier runs did, left out, or died in the middle of.
 */
import { dayNumber } from './calendar.ts';
import { newestFirst } from './newest-first.ts';

export interface Snapshot {
  readonly name: string;
  /** Never changes, unlike the name, and no two have the same. Becomes part of a temporary name. */
  readonly id: string;
  /** When it was taken. An invalid date says that this could not be read. */
  readonly time: Date;
  /** Nothing may be done to it (it is pinned, or mounted): it keeps its name, which is then nobody else's, and never goes. */
  readonly fixed?: boolean;
}

export interface RotationOptions {
  /** How many days keep their snapshots; at least 1. */
  readonly slots: number;
  readonly now: Date;
  readonly zone: string | undefined;
}

export interface RotationPlan {
  /** To be done in this order; each goes to a name that is free by then, so none may ever replace anything. */
  readonly renames: readonly { readonly id: string; readonly from: string; readonly to: string }[];
  /** The name of the snapshot to take after the renames; null if there is one of today. */
  readonly take: string | null;
  /** What goes, under the names after the renames, oldest first. Only once the snapshot is taken: it counts as one of the slots. */
  readonly drop: readonly Snapshot[];
  /** What stays, under the names after the renames, newest first. Without the one to take. */
  readonly keep: readonly Snapshot[];
}

/** Whether it is a name that a slot can have: `today`, `yesterday`, `2daysago`, and of one day's older snapshots `today_1`, `today_2`. */
export function isSlotName(name: string): boolean {
  return /^(?:today|yesterday|(?:[2-9]|[1-9]\d{1,8})daysago)(?:_[1-9]\d{0,8})?$/.test(name);
}

/** Whether it is a name of a snapshot on its way, or of one that has no slot yet. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(TEMPORARY) && /^[\w.-]{1,100}$/.test(name.slice(TEMPORARY.length));
}

/**
 * `snapshots` are all that have a slot name or a temporary name; no two have the same. Of several of one day the newest has the plain name,
 * unless one that is fixed has it. The newest `slots` days that have a snapshot keep theirs: however long nothing ran, nothing goes by age.
 *
 * One from a day to come, or without a readable time, has no slot: it is kept, counts for nothing, and keeps its name. If another needs that
 * name, it waits under a temporary one for its day.
 */
export function planRotation(snapshots: readonly Snapshot[], { slots, now, zone }: RotationOptions): RotationPlan {
  // By id and not by name: names change from run to run.
  const sorted = snapshots.toSorted((a, b) => newestFirst({ name: a.id, time: a.time }, { name: b.id, time: b.time }));
  const ages = new Map(sorted.map(({ id, time }) => [id, daysAgo(time, now, zone)]));
  const dated = sorted.filter(({ id }) => ages.get(id) !== undefined);
  const undated = sorted.filter(({ id }) => ages.get(id) === undefined);

  const hasToday = dated.some(({ id }) => ages.get(id) === 0);
  const { names, take } = namesOf(dated, undated, ages, hasToday);
  const days = [...new Set([0, ...dated.map(({ id }) => ages.get(id))])].slice(0, slots);
  const goes = ({ id, fixed }: Snapshot): boolean => fixed !== true && ages.get(id) !== undefined && !days.includes(ages.get(id));
  const renamed = sorted.map((snapshot) => ({ ...snapshot, name: names.get(snapshot.id) ?? snapshot.name }));
  return {
    // The dated ones first, see `orderRenames`.
    renames: orderRenames([...dated, ...undated], names),
    take,
    drop: renamed.filter(goes).toReversed(),
    keep: renamed.filter((snapshot) => !goes(snapshot)),
  };
}

const TEMPORARY = '.roots-rotating.';

/** Days of the calendar, which are not always 24 hours. Undefined for a day to come and for what is no time. */
function daysAgo(time: Date, now: Date, zone: string | undefined): number | undefined {
  const days = dayNumber(now, zone) - dayNumber(time, zone);
  return days >= 0 ? days : undefined;
}

function slotName(day: number): string {
  if (day === 0) return 'today';
  return day === 1 ? 'yesterday' : `${day}daysago`;
}

/** What each is to be called, by id; and the one to take, unless today has one. */
function namesOf(
  dated: readonly Snapshot[],
  undated: readonly Snapshot[],
  ages: ReadonlyMap<string, number | undefined>,
  hasToday: boolean,
): { names: Map<string, string>; take: string | null } {
  const fixed = [...dated, ...undated].filter((snapshot) => snapshot.fixed === true);
  const names = new Map(fixed.map(({ id, name }) => [id, name]));
  const needed = new Set(names.values());
  const nextOf = (plain: string): string => {
    let name = plain;
    for (let nth = 1; needed.has(name); nth += 1) name = `${plain}_${nth}`;
    needed.add(name);
    return name;
  };
  const take = hasToday ? null : nextOf(slotName(0));
  for (const { id } of dated) if (!names.has(id)) names.set(id, nextOf(slotName(ages.get(id) ?? 0)));

  const isInTheWay = ({ id, name }: Snapshot): boolean => !names.has(id) && needed.has(name);
  for (let next = undated.find(isInTheWay); next !== undefined; next = undated.find(isInTheWay)) {
    names.set(next.id, nextOf(TEMPORARY + next.id));
  }
  return { names, take };
}

/**
 * Follows what is in the way until a name is free, and does that chain from its end. A chain that comes back to its start is a circle: its
 * first snapshot steps aside meanwhile. That must be a dated one, whose slot is found again from any name should the run end there; each
 * circle has one, since nothing else makes an undated one move.
 */
function orderRenames(snapshots: readonly Snapshot[], names: ReadonlyMap<string, string>): RotationPlan['renames'] {
  const holders = new Map(snapshots.map((snapshot) => [snapshot.name, snapshot]));
  const renames: { id: string; from: string; to: string }[] = [];
  const rename = (snapshot: Snapshot, from: string, to: string): void => {
    renames.push({ id: snapshot.id, from, to });
    holders.delete(from);
    holders.set(to, snapshot);
  };

  for (const first of snapshots) {
    const chain: (readonly [snapshot: Snapshot, to: string])[] = [];
    let next: Snapshot | undefined = first;
    while (next !== undefined) {
      const to: string = names.get(next.id) ?? next.name;
      const inTheWay = holders.get(to);
      if (inTheWay === next) break;
      chain.push([next, to]);
      next = inTheWay === first ? undefined : inTheWay;
    }
    const [head, ...rest] = chain;
    if (head === undefined) continue;
    const [, to] = head;
    const isCircle = chain.at(-1)?.[1] === first.name;
    const from = isCircle ? freeName(first, holders, names) : first.name;
    if (isCircle) rename(first, first.name, from);
    for (const [snapshot, name] of rest.toReversed()) rename(snapshot, snapshot.name, name);
    rename(first, from, to);
  }
  return renames;
}

function freeName({ id }: Snapshot, holders: ReadonlyMap<string, Snapshot>, names: ReadonlyMap<string, string>): string {
  const wanted = new Set(names.values());
  let name = TEMPORARY + id;
  for (let nth = 1; holders.has(name) || wanted.has(name); nth += 1) name = `${TEMPORARY}${id}_${nth}`;
  return name;
}
