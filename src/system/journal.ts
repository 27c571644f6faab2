/**
 * The journal of systemd. What a service prints goes there by itself; what is done by hand is told to it by logger(1).
 */
import { existsSync, fstatSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import type { Run } from './run.ts';

/** The words of syslog(3) that are used here. */
const PRIORITY = { error: 3, warning: 4, notice: 5, info: 6 } as const;
export type Level = keyof typeof PRIORITY;

export interface Line {
  readonly level: Level;
  readonly text: string;
}

const SOCKET = '/run/systemd/journal/dev-log';

/** Whether a descriptor of ours leads to the journal. JOURNAL_STREAM alone says little: it is inherited by all that a service starts (systemd.exec(5)). */
export function isJournal(fd: number): boolean {
  const stream = process.env['JOURNAL_STREAM'];
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return stream === `${String(dev)}:${String(ino)}`;
  } catch {
    return false;
  }
}

/** Each line with its priority in front, as sd-daemon(3) says. A line without one would count as information. */
export function withPriority(text: string, level: Level): string {
  return text.replace(/^(?=.)/gm, `<${String(PRIORITY[level])}>`);
}

/** For what was not started by systemd. Returns why it could not be told, or null; there need be no journal. */
export async function tellJournal(run: Run, lines: readonly Line[]): Promise<string | null> {
  if (lines.length === 0 || process.env['JOURNAL_STREAM'] !== undefined || !existsSync(SOCKET)) return null;
  const input = Buffer.from(lines.map(({ level, text }) => `${withPriority(text.replaceAll('\n', ' '), level)}\n`).join(''));
  try {
    const { status, stderr } = await run('logger', ['--prio-prefix', '--tag', 'roots', '--socket', SOCKET], { input });
    return status === 0 ? null : `the journal could not be told: ${stderr}`;
  } catch (error) {
    return `the journal could not be told: ${messageOf(error)}`;
  }
}
