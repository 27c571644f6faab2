/**
 * The flags of a policy, for trying one without writing it down. What they may hold is what the configuration may hold.
 */
import * as Flags from '@oclif/core/flags';
import { quote } from './config/problem.ts';
import { impossible } from './config/rules.ts';
import { readCount, readDuration, readFreeSpace, type Reading } from './config/values.ts';
import { RootsError } from './errors.ts';
import type { Period, Policy } from './retention/policy.ts';

export const POLICY_FLAGS = {
  'keep-last': flag('COUNT', 'Keep the newest COUNT, which is the floor too. Without it the floor is 3.'),
  'keep-hourly': flag('COUNT', 'Keep the last of each of the newest COUNT hours that have one.'),
  'keep-daily': flag('COUNT', 'Keep the last of each of the newest COUNT days that have one.'),
  'keep-weekly': flag('COUNT', 'Keep the last of each of the newest COUNT weeks that have one.'),
  'keep-monthly': flag('COUNT', 'Keep the last of each of the newest COUNT months that have one.'),
  'keep-yearly': flag('COUNT', 'Keep the last of each of the newest COUNT years that have one.'),
  'keep-within': flag('DURATION', 'Keep all within this time before the newest, such as 14d.'),
  'max-age': flag('DURATION', 'Remove what is older, such as 30d, down to the floor.'),
  'min-free': flag('SPACE', 'Remove the oldest first until this much is free, such as 10% or 20G, down to the floor.'),
};

type PolicyFlag = keyof typeof POLICY_FLAGS;
export type PolicyFlags = Readonly<Partial<Record<PolicyFlag, string | undefined>>>;

/**
 * What the flags say, in place of the whole policy of the configuration; undefined if none was given. Errors: `usage`, with all that is
 * wrong.
 */
export function policyOfFlags(flags: PolicyFlags): Policy | undefined {
  const readings = NAMES.flatMap((name) => {
    const text = flags[name];
    return text === undefined ? [] : [{ name, reading: READERS[name](text) }];
  });
  if (readings.length === 0) return undefined;
  const policy = readings.reduce<Policy>((sum, { reading }) => ('value' in reading ? { ...sum, ...reading.value } : sum), {});
  const problems = readings.flatMap(({ name, reading }) => ('problem' in reading ? [`--${name} ${reading.problem}`] : []));
  const contradiction = impossible(policy.within, policy.maxAge, '--max-age');
  if (contradiction !== undefined) problems.push(`--keep-within ${contradiction}`);
  if (problems.length === 0) return policy;
  throw new RootsError('usage', problems.join('\n'), { hint: 'the rules and the form of their values are in roots.toml(5)' });
}

function flag(helpValue: string, summary: string) {
  return Flags.string({ summary, helpValue, helpGroup: 'POLICY' });
}

const NAMES = Object.keys(POLICY_FLAGS) as PolicyFlag[];

const READERS: Readonly<Record<PolicyFlag, (text: string) => Reading<Policy>>> = {
  'keep-last': (text) => countRule('last', text),
  'keep-hourly': (text) => countRule('hourly', text),
  'keep-daily': (text) => countRule('daily', text),
  'keep-weekly': (text) => countRule('weekly', text),
  'keep-monthly': (text) => countRule('monthly', text),
  'keep-yearly': (text) => countRule('yearly', text),
  'keep-within': (text) => rule(readDuration(text), (within) => ({ within })),
  'max-age': (text) => rule(readDuration(text), (maxAge) => ({ maxAge })),
  'min-free': (text) => rule(readFreeSpace(text), (minFree) => ({ minFree })),
};

function countRule(name: 'last' | Period, text: string): Reading<Policy> {
  if (!/^-?\d+$/.test(text)) return { problem: `must be a whole number, not ${quote(text)}` };
  return rule(readCount(name, BigInt(text)), (count) => ({ [name]: count }));
}

function rule<T>(reading: Reading<T>, policyOf: (value: T) => Policy): Reading<Policy> {
  return 'value' in reading ? { value: policyOf(reading.value) } : reading;
}
