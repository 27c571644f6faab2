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
  /** During `step`, before the program of this number (from 1). `programs`: how many there were. */
  at<T>(number: number, act: Act, step: () => Promise<T>): Promise<{ readonly result: T; readonly programs: number }>;
  /** During `step`, before the programs that match. `times`: how many there were. */
  before<T>(which: RegExp, act: Act, step: () => Promise<T>): Promise<{ readonly result: T; readonly times: number }>;
}

export function moments(): Moments {
  let onCall: Act = () => undefined;
  const during = async <T>(watch: Act, step: () => Promise<T>): Promise<T> => {
    onCall = watch;
    try {
      return await step();
    } finally {
      onCall = () => undefined;
    }
  };
  return {
    run: (program, args, options) => {
      onCall([program, ...args.map((argument) => (typeof argument === 'string' ? argument : argument.path))].join(' '));
      return run(program, args, options);
    },
    at: async (number, act, step) => {
      let programs = 0;
      const watch: Act = (call) => {
        programs += 1;
        if (programs === number) act(call);
      };
      return { result: await during(watch, step), programs };
    },
    before: async (which, act, step) => {
      let times = 0;
      const watch: Act = (call) => {
        if (!which.test(call)) return;
        times += 1;
        act(call);
      };
      return { result: await during(watch, step), times };
    },
  };
}

/**
 * Does it before each program that `step` starts, one after the other, each time anew, until there are no more. `most`: no more than so many of them,
 * which are chosen when it has been done once without.
 */
export async function atEachMoment(
  all: Moments,
  most: number | undefined,
  round: (during: (act: Act, step: () => Promise<unknown>) => Promise<void>) => Promise<void>,
): Promise<void> {
  const doneAt = async (number: number): Promise<number> => {
    let count = 0;
    await round(async (act, step) => {
      ({ programs: count } = await all.at(number, act, step));
    });
    return count;
  };
  if (most !== undefined) for (const number of spread(await doneAt(0), most)) await doneAt(number);
  else for (let number = 1; (await doneAt(number)) >= number;) number += 1;
}

/** The numbers from 1 to `count`, or so many of them, the first and the last included, as far apart as they go. */
export function spread(count: number, most = count): readonly number[] {
  const all = Array.from({ length: count }, (_, at) => at + 1);
  if (most >= count) return all;
  const chosen = Array.from({ length: most }, (_, at) => Math.round((at * (count - 1)) / Math.max(most - 1, 1)));
  return [...new Set(chosen)].map((at) => all[at]!);
}

interface Cut {
  /** False if it came to its end. */
  readonly isCut: boolean;
  /** How many were started. */
  readonly programs: number;
}

/** Cuts it short after each number of programs, from none on, each time anew, until it comes to its end; `most` as above. */
export async function cutAtEachMoment(
  location: Location,
  most: number | undefined,
  round: (cutShortly: (step: Step) => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const cutAfter = async (number: number): Promise<Cut> => {
    let cut: Cut = { isCut: false, programs: 0 };
    await round(async (step) => {
      cut = await cutShort(location, number, step);
      return cut.isCut;
    });
    return cut;
  };
  if (most !== undefined) for (const number of spread((await cutAfter(Infinity)).programs, most)) await cutAfter(number - 1);
  else for (let number = 0; (await cutAfter(number)).isCut;) number += 1;
}

type Step = (backend: Backend, listing: Listing) => Promise<unknown>;

/**
 * Begins `step` with a backend of its own and goes no further when it has started this many programs, which end; with 0 the first is not
 * started.
 */
async function cutShort(location: Location, programs: number, step: Step): Promise<Cut> {
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
    return { isCut: await Promise.race([isCut, step(backend, listing).then(() => false as const)]), programs: started };
  } finally {
    armed = false;
    await backend.close();
    await privateMounts.close();
  }
}
