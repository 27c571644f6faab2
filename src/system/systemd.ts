/**
 * systemd: asked and told by systemctl(1). What it prints is for people; what of it is not understood is not known.
 */
import { existsSync } from 'node:fs';
import { printableText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { Run } from './run.ts';

/** The properties of one unit, as `systemctl show` prints them. */
export type Properties = ReadonlyMap<string, string>;

/** sd_booted(3): it is there while systemd runs the machine. */
const RUNNING = '/run/systemd/system';

/** Errors: `unsupported`. */
export function requireSystemd(folder = RUNNING): void {
  if (existsSync(folder)) return;
  throw new RootsError('unsupported', 'systemd does not run this machine, so it has no timers', {
    hint: '`roots timer enable --print` prints the units; elsewhere let cron run `roots prune --yes`',
  });
}

/** Errors: `failed` with systemctl's words; `not-permitted` if it says so. */
export async function systemctl(run: Run, args: readonly string[]): Promise<void> {
  const { status, stderr } = await run('systemctl', ['--no-ask-password', ...args]);
  if (status === 0) return;
  const words = printableText(stderr.trim().split('\n').at(-1) ?? '');
  const kind = /access denied|interactive authentication required|permission denied/i.test(stderr) ? 'not-permitted' : 'failed';
  throw new RootsError(kind, `\`systemctl ${args.join(' ')}\` failed: ${words === '' ? `status ${String(status)}` : words}`);
}

/** One for each unit, in their order; without any property where systemd said less. A unit that does not exist has properties too. */
export async function showUnits(run: Run, units: readonly string[], properties: readonly string[]): Promise<readonly Properties[]> {
  const { status, stdout, stderr } = await run('systemctl', [
    'show',
    '--timestamp=utc',
    `--property=${properties.join(',')}`,
    '--',
    ...units,
  ]);
  if (status !== 0) throw new RootsError('failed', `\`systemctl show\` failed: ${printableText(stderr)}`);
  const shown = parseProperties(stdout.toString('utf8'));
  return units.map((_, at) => shown[at] ?? new Map<string, string>());
}

/** Blocks of lines `KEY=VALUE`, one block a unit; a value may hold `=`. */
export function parseProperties(text: string): Properties[] {
  return text
    .trim()
    .split(/\n{2,}/)
    .map((block) => new Map(block.split('\n').flatMap(readProperty)));
}

function readProperty(line: string): [string, string][] {
  const at = line.indexOf('=');
  return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
}

/** `Fri 2026-11-20 18:20:00 UTC`; null for what is not set (`n/a`, nothing) or not understood. */
export function parseTimestamp(text: string | undefined): Date | null {
  const [, date, time] = /^(?:[A-Z][a-z]{2} )?(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.\d+)? UTC$/.exec(text ?? '') ?? [];
  if (date === undefined || time === undefined) return null;
  const at = new Date(`${date}T${time}Z`);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** Those of systemd.time(7), in seconds. */
const SPANS: Readonly<Record<string, number>> = {
  y: 31_557_600,
  month: 2_629_800,
  w: 604_800,
  d: 86_400,
  h: 3600,
  min: 60,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
};

/** `1d 14h 31min 30.862203s` in seconds; null for what is not set (`infinity`, nothing) or not understood. */
export function parseTimespan(text: string | undefined): number | null {
  const parts = (text ?? '').split(' ').map((part) => /^(\d+(?:\.\d+)?)([a-zµ]+)$/.exec(part));
  const seconds = parts.map((part) => Number(part?.[1]) * (SPANS[part?.[2] ?? ''] ?? Number.NaN));
  const sum = seconds.reduce((total, each) => total + each, 0);
  return Number.isNaN(sum) ? null : sum;
}

/** Seconds since the boot, without those asleep, as timers that do not go by the calendar count them. */
export function uptime(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}

/** Errors: `usage` with systemd's words. Where it cannot be asked, all is well. */
export async function checkCalendarEvent(run: Run, event: string): Promise<void> {
  const { status, stderr } = await run('systemd-analyze', ['calendar', '--', event]);
  if (status === 0) return;
  throw new RootsError(
    'usage',
    `systemd does not understand the calendar event \`${printableText(event)}\`: ${printableText(stderr.split('\n', 1).join(''))}`,
    {
      hint: 'write it like `daily`, `Sun 03:00` or `*-*-* 04:30:00`; see systemd.time(7)',
    },
  );
}
