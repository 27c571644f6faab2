/**
 * `roots prune --simulate` for people: a line for each day, then a calendar of what is there at the end.
 */
import { dateOfDay, dayNumber } from '../retention/calendar.ts';
import type { SimulatedDay, SimulatedRoot } from '../retention/simulate.ts';
import { formatCount } from './format.ts';
import { renderTable } from './table.ts';
import { wrapText, type Screen } from './terminal.ts';

/** Readable at 80 columns and without colour. `zone` is the one of the simulation. */
export function renderSimulation(screen: Screen, days: readonly SimulatedDay[], zone: string | undefined): string {
  const last = days.at(-1);
  if (last === undefined) return 'no days to simulate';
  return `${renderDays(screen, days)}\n\n${renderCalendar(screen, last, zone)}`;
}

const DAY_MS = 86_400_000;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

const COLUMNS = [
  { title: 'date' },
  { title: 'day' },
  { title: 'boots', align: 'right' as const },
  { title: 'go', align: 'right' as const },
  { title: 'stay', align: 'right' as const },
  { title: 'ages' },
];

function renderDays(screen: Screen, days: readonly SimulatedDay[]): string {
  const runs = quietTogether(days);
  const rows = runs.map(({ first, last }) => [
    first.date,
    weekdayOf(first.date),
    countOf(first.boots),
    countOf(first.removed.length),
    String(last.kept.length),
  ]);
  const widths = COLUMNS.slice(0, -1).map(({ title }, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  // A table wraps its last column. Of the ages the first ones are enough.
  const left = widths.reduce((width, column) => width - column - 2, screen.width);
  const lastCells = runs.map(({ first, last }) => (first === last ? cutAtSpace(agesOf(first), left) : `the same to ${last.date}`));
  return renderTable(
    screen,
    COLUMNS,
    rows.map((row, at) => [...row, lastCells[at] ?? '']),
  );
}

interface Run {
  readonly first: SimulatedDay;
  readonly last: SimulatedDay;
}

/** Days on which nothing happens, but that all gets older, are one line. */
function quietTogether(days: readonly SimulatedDay[]): Run[] {
  const runs: Run[] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run !== undefined && isQuiet(run.first) && isQuiet(day)) runs[runs.length - 1] = { first: run.first, last: day };
    else runs.push({ first: day, last: day });
  }
  return runs;
}

function isQuiet({ boots, removed }: SimulatedDay): boolean {
  return boots === 0 && removed.length === 0;
}

function countOf(number: number): string {
  return number === 0 ? '' : String(number);
}

/** `now 1d×3 2d 14d`: whole days. */
function agesOf({ kept, at }: SimulatedDay): string {
  return [...counted(kept.map(({ time }) => ageOf(time, at)))].map(([age, count]) => (count === 1 ? age : `${age}×${count}`)).join(' ');
}

function ageOf(time: Date, at: Date): string {
  const age = at.getTime() - time.getTime();
  if (Number.isNaN(age)) return '?';
  if (age < 0) return 'future';
  return age < DAY_MS ? 'now' : `${Math.floor(age / DAY_MS)}d`;
}

function counted(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function cutAtSpace(text: string, width: number): string {
  if (text.length <= width) return text;
  return `${text.slice(0, Math.max(text.lastIndexOf(' ', width - 2), 0))} …`;
}

/** The letters of the calendar, the strongest first: of several on one date it is the one to see. */
const MARKS = [
  { letter: 'p', word: 'protected', reason: /^(?:pinned|live|mounted|nested root|held|implausible time)$/ },
  { letter: 'f', word: 'future', reason: /^future$/ },
  { letter: 'y', word: 'yearly', reason: /^yearly / },
  { letter: 'm', word: 'monthly', reason: /^monthly / },
  { letter: 'w', word: 'weekly', reason: /^weekly / },
  { letter: 'd', word: 'daily', reason: /^daily / },
  { letter: 'h', word: 'hourly', reason: /^hourly / },
  { letter: 'i', word: 'within', reason: /^within / },
  { letter: 'a', word: 'young enough', reason: /^younger than / },
  { letter: 's', word: 'while there is space', reason: /^until less than / },
  { letter: 'l', word: 'last', reason: /^(?:last|floor) / },
  { letter: 'k', word: 'kept', reason: /^/ },
] as const;

type Marked = ReadonlyMap<string, string>;

function renderCalendar(screen: Screen, { date, kept }: SimulatedDay, zone: string | undefined): string {
  const byDate = new Map<string, SimulatedRoot[]>();
  for (const root of kept.filter(({ time }) => !Number.isNaN(time.getTime()))) {
    const day = dateOfDay(dayNumber(root.time, zone));
    byDate.set(day, [...(byDate.get(day) ?? []), root]);
  }
  const marks = new Map([...byDate].map(([day, roots]) => [day, `${letterOf(roots)}${roots.length === 1 ? '' : String(roots.length)}`]));
  const months = [...new Set([...marks.keys()].map(monthOf))].sort((a, b) => dayOf(`${a}-01`) - dayOf(`${b}-01`));
  const letters = new Set([...marks.values()].map((mark) => mark.charAt(0)));
  const legend = MARKS.filter(({ letter }) => letters.has(letter)).map(({ letter, word }) => `${letter} ${word}`);
  const undated = kept.length - [...byDate.values()].flat().length;
  const notes = [
    ...legend,
    ...([...byDate.values()].some(({ length }) => length > 1) ? ['with a number: so many of that date'] : []),
    ...(undated === 0 ? [] : [`${undated} without a date`]),
  ];
  return [
    screen.style('bold', wrapText(screen, `What is there on ${date}, by date: ${formatCount(kept.length, 'old root')}`)),
    ...months.map((month) => renderMonth(screen, month, marks)),
    ...(notes.length === 0 ? [] : [wrapText(screen, notes.join(' · '))]),
  ].join('\n\n');
}

function letterOf(roots: readonly SimulatedRoot[]): string {
  const reasons = roots.flatMap((root) => root.reasons);
  return MARKS.find(({ reason }) => reasons.some((each) => reason.test(each)))?.letter ?? '';
}

/** Weeks are rows. A screen too narrow for the counts has the letters alone. */
function renderMonth(screen: Screen, month: string, marks: Marked): string {
  const longest = Math.max(...[...marks.values()].map((mark) => mark.length));
  const fits = WEEKDAYS.length * (longest + 5) <= screen.width;
  const [markWidth, gap] = fits ? [longest, 2] : [1, 1];
  const cellOf = (day: number): string => {
    const date = dateOfDay(day);
    const number = date.slice(-2).replace(/^0/, ' ');
    const mark = marks.get(date);
    if (monthOf(date) !== month) return ' '.repeat(3 + markWidth);
    return mark === undefined
      ? screen.style('dim', number) + ' '.repeat(1 + markWidth)
      : screen.style('bold', `${number} ${mark.slice(0, markWidth).padEnd(markWidth)}`);
  };

  const first = dayOf(`${month}-01`);
  const lines = [WEEKDAYS.map((weekday) => screen.style('dim', weekday.padEnd(3 + markWidth)))];
  for (let monday = first - weekdayNumber(first); monday < first || monthOf(dateOfDay(monday)) === month; monday += WEEKDAYS.length) {
    lines.push(WEEKDAYS.map((_, at) => cellOf(monday + at)));
  }
  const title = new Date(first * DAY_MS).toLocaleString('en', { month: 'long', year: 'numeric', timeZone: 'UTC' });
  return [screen.style('bold', title), ...lines.map((cells) => cells.join(' '.repeat(gap)).trimEnd())].join('\n');
}

function monthOf(date: string): string {
  return date.slice(0, -3);
}

function weekdayOf(date: string): string {
  return WEEKDAYS[weekdayNumber(dayOf(date))] ?? '';
}

function dayOf(date: string): number {
  return Date.parse(date) / DAY_MS;
}

/** 0 is Monday. */
function weekdayNumber(day: number): number {
  return new Date((day + WEEKDAYS.length - 1) * DAY_MS).getUTCDay();
}
