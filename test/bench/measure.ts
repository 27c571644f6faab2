/**
 * Times of whole programs, side by side: every round runs each of them once, so that what else the machine does meets all of them alike.
 */
import { spawnSync } from 'node:child_process';

export interface Work {
  readonly name: string;
  readonly command: readonly string[];
  /** Before each run, not timed. */
  readonly prepare?: () => void;
}

export interface Comparison {
  readonly title: string;
  /** What the others are compared with. */
  readonly peer: Work;
  readonly works: readonly { readonly work: Work; readonly bar: number | null }[];
  readonly rounds: number;
}

export interface Row {
  readonly title: string;
  readonly name: string;
  readonly unit: 'ms' | 'MB';
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** Median over the rounds of the ratio to the peer in the same round; null for the peer itself. */
  readonly ratio: number | null;
  readonly bar: number | null;
}

export function compare({ title, peer, works, rounds }: Comparison): Row[] {
  const all = [{ work: peer, bar: null }, ...works];
  for (const { work } of all) timeOf(work);
  const times = all.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) for (const [at, { work }] of all.entries()) times[at]!.push(timeOf(work));
  return all.map(({ work, bar }, at) => {
    const own = times[at]!;
    const ratios = own.map((time, round) => time / times[0]![round]!);
    return {
      title,
      name: work.name,
      unit: 'ms',
      median: medianOf(own),
      least: Math.min(...own),
      most: Math.max(...own),
      ratio: at === 0 ? null : medianOf(ratios),
      bar,
    };
  });
}

function timeOf({ name, command, prepare }: Work): number {
  prepare?.();
  const [program = '', ...args] = command;
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  const time = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`${name} ended with ${String(status)}: ${stderr}`);
  return time;
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
