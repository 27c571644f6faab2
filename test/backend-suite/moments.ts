/** What others do, or a kill, right between two steps: at the moments in which a program is started. */
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run, type Run } from '../../src/system/run.ts';
import type { Backend, Listing, Location } from '../../src/backend/backend.ts';
import { openBackend } from '../../src/backend/detect.ts';

/** The program that renames, where that must not replace anything. */
export const RENAMES = /^mv |^zfs rename /;

/** Told of the command line of a program right before it is started. */
type Act = (call: string) => void;

export interface Moments {
  readonly run: Run;
  /** During `step`, before the program of this number (from 1); false if there are fewer. */
  at<T>(number: number, act: Act, step: () => Promise<T>): Promise<{ readonly result: T; readonly reached: boolean }>;
}

export function moments(): Moments {
  let left = 0;
  let toDo: Act | undefined;
  return {
    run: (program, args, options) => {
      left -= 1;
      if (left === 0) toDo?.([program, ...args.map((argument) => (typeof argument === 'string' ? argument : argument.path))].join(' '));
      return run(program, args, options);
    },
    at: async (number, act, step) => {
      left = number;
      toDo = act;
      const result = await step();
      toDo = undefined;
      return { result, reached: left <= 0 };
    },
  };
}

/** Does it before each program that `step` starts, one after the other, each time anew. */
export async function atEachMoment(
  all: Moments,
  round: (during: (act: Act, step: () => Promise<unknown>) => Promise<void>) => Promise<void>,
): Promise<number> {
  for (let number = 1; ; number += 1) {
    let reached = false as boolean;
    await round(async (act, step) => {
      ({ reached } = await all.at(number, act, step));
    });
    if (!reached) return number - 1;
  }
}

/** The numbers from 1 to `count`, or so many of them, the first and the last included, as far apart as they go. */
export function spread(count: number, most = count): readonly number[] {
  const all = Array.from({ length: count }, (_, at) => at + 1);
  if (most >= count) return all;
  const chosen = Array.from({ length: most }, (_, at) => Math.round((at * (count - 1)) / Math.max(most - 1, 1)));
  return [...new Set(chosen)].map((at) => all[at]!);
}

/**
 * Begins `step` with a backend of its own and goes no further when it has started this many programs, which end; with 0 the first is not
 * started. False if it came to its end before.
 */
export async function cutShort(
  location: Location,
  programs: number,
  step: (backend: Backend, listing: Listing) => Promise<unknown>,
): Promise<boolean> {
  let armed = false;
  let started = 0;
  const counted: Run = async (program, args, options) => {
    if (armed && started >= programs) return never();
    const result = await run(program, args, options);
    if (!armed) return result;
    started += 1;
    return started < programs ? result : never();
  };
  let cut: () => void = () => undefined;
  const isCut = new Promise<true>((resolve) => {
    cut = () => {
      resolve(true);
    };
  });
  const never = (): Promise<never> => {
    cut();
    return new Promise(() => undefined);
  };
  const privateMounts = new PrivateMountPool(counted, 'write');
  const backend = await openBackend(location, { run: counted, signal: new AbortController().signal, privateMounts });
  try {
    const listing = await backend.list();
    armed = true;
    return await Promise.race([isCut, step(backend, listing).then(() => false as const)]);
  } finally {
    armed = false;
    await backend.close();
    await privateMounts.close();
  }
}
