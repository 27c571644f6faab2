import { parse } from '@oclif/core/parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { RootsError } from '../../src/errors.ts';
import { POLICY_FLAGS, policyOfFlags, type PolicyFlags } from '../../src/policy-flags.ts';

/** What the configuration calls what a flag says. */
const KEYS = {
  'keep-last': 'keep.last',
  'keep-hourly': 'keep.hourly',
  'keep-daily': 'keep.daily',
  'keep-weekly': 'keep.weekly',
  'keep-monthly': 'keep.monthly',
  'keep-yearly': 'keep.yearly',
  'keep-within': 'keep.within',
  'max-age': 'prune.max_age',
  'min-free': 'prune.min_free',
} as const satisfies Record<keyof typeof POLICY_FLAGS, string>;
const NAMES = Object.keys(KEYS) as (keyof typeof KEYS)[];

function failure(flags: PolicyFlags): RootsError {
  try {
    policyOfFlags(flags);
  } catch (error) {
    if (error instanceof RootsError) return error;
    throw error;
  }
  throw new Error('expected a RootsError');
}

/** As a command would get it. */
async function parsed(line: string): Promise<ReturnType<typeof policyOfFlags>> {
  const { flags } = await parse(line.split(' '), { flags: POLICY_FLAGS, strict: true });
  return policyOfFlags(flags);
}

describe('the flags', () => {
  it('are all there, each in the group of the policy', () => {
    expect(Object.keys(POLICY_FLAGS)).toEqual(NAMES);
    for (const flag of Object.values(POLICY_FLAGS)) expect(flag).toMatchObject({ type: 'option', multiple: false, helpGroup: 'POLICY' });
    for (const flag of Object.values(POLICY_FLAGS)) expect(flag.summary).toMatch(/^[A-Z].*\.$/);
  });

  it('say a whole policy', async () => {
    const counts = '--keep-last 1 --keep-hourly 2 --keep-daily 3 --keep-weekly 4 --keep-monthly 5 --keep-yearly 0';
    expect(await parsed(`${counts} --keep-within 14d --max-age=1y6m --min-free 10%`)).toEqual({
      last: 1,
      hourly: 2,
      daily: 3,
      weekly: 4,
      monthly: 5,
      yearly: 0,
      within: { years: 0, months: 0, weeks: 0, days: 14, hours: 0, text: '14d' },
      maxAge: { years: 1, months: 6, weeks: 0, days: 0, hours: 0, text: '1y6m' },
      minFree: { kind: 'percent', percent: 10, text: '10%' },
    });
  });

  it('leave out what is not given: nothing of the configuration is mixed in', () => {
    expect(policyOfFlags({ 'keep-daily': '7' })).toStrictEqual({ daily: 7 });
    expect(policyOfFlags({ 'keep-daily': '0', 'keep-weekly': undefined })).toStrictEqual({ daily: 0 });
  });

  it('say nothing where none is given', () => {
    expect(policyOfFlags({})).toBeUndefined();
    expect(policyOfFlags({ 'keep-daily': undefined, 'max-age': undefined })).toBeUndefined();
  });
});

describe('what is wrong', () => {
  it.each<[PolicyFlags, string]>([
    [{ 'keep-last': '0' }, '--keep-last must be at least 1: it is the floor that no other rule goes below'],
    [{ 'keep-last': '-1' }, '--keep-last must be at least 1: it is the floor that no other rule goes below'],
    [{ 'keep-daily': '-1' }, '--keep-daily must not be negative'],
    [{ 'keep-yearly': '100001' }, '--keep-yearly must be at most 100000'],
    [{ 'keep-hourly': '9'.repeat(30) }, '--keep-hourly must be at most 100000'],
    [{ 'keep-weekly': '1.5' }, '--keep-weekly must be a whole number, not `1.5`'],
    [{ 'keep-weekly': '1e3' }, '--keep-weekly must be a whole number, not `1e3`'],
    [{ 'keep-monthly': '' }, '--keep-monthly must be a whole number, not ``'],
    [{ 'keep-monthly': ' 7' }, '--keep-monthly must be a whole number, not ` 7`'],
    [{ 'keep-monthly': '0x7' }, '--keep-monthly must be a whole number, not `0x7`'],
    [{ 'keep-daily': 'seven\u001b[31m' }, '--keep-daily must be a whole number, not `seven\\e[31m`'],
    [{ 'keep-within': '14' }, '--keep-within `14` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    [{ 'max-age': '0d' }, '--max-age `0d` is no time at all; leave it out to have no such limit'],
    [{ 'max-age': '-30d' }, '--max-age `-30d` is not a duration; write it such as `14d`, `36h` or `1y6m`'],
    [{ 'min-free': '10' }, '--min-free `10` has no unit; write it such as `10%`, `20G` or `500M`'],
    [{ 'min-free': '100%' }, '--min-free `100%` is out of range; a share goes from `1%` to `99%`'],
    [{ 'min-free': '10 GB' }, '--min-free `10 GB` is not an amount of space; did you mean `10G`?'],
    [
      { 'keep-within': '60d', 'max-age': '30d' },
      '--keep-within `60d` is longer than --max-age `30d`, which removes what is older: the rule can never take effect in full',
    ],
  ])('%j', (flags, message) => {
    expect(failure(flags)).toMatchObject({ kind: 'usage', message, hint: expect.stringContaining('roots.toml(5)') as string });
  });

  it('is said of all flags at once', () => {
    const { message } = failure({ 'max-age': 'x', 'keep-last': '0', 'keep-daily': '7' });
    expect(message.split('\n').map((line) => line.split(' ')[0])).toEqual(['--keep-last', '--max-age']);
  });

  it('is said of a negative number too, which oclif takes as a value', async () => {
    await expect(parsed('--keep-daily -1')).rejects.toMatchObject({ kind: 'usage', message: '--keep-daily must not be negative' });
  });
});

const count = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -1, max: 40 }) }, fc.integer({ min: 99_999, max: 100_002 })).map(String);
const duration = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.nat(70), fc.constantFrom('h', 'd', 'w', 'm', 'y')).map((parts) => parts.join('')) },
  fc.tuple(fc.nat(70), fc.constantFrom(' d', '', 'x')).map((parts) => parts.join('')),
  fc.constantFrom('1y6m', '1d1d', '0d0h', '99999999y', ''),
);
const space = fc
  .tuple(
    fc.constantFrom('-1', '0', '0.5', '1', '2.5', '10', '25', '99', '100', '99999999'),
    fc.constantFrom('%', 'G', 'MiB', 'GB', ' G', ''),
  )
  .map((parts) => parts.join(''));

const valuesOf = (name: keyof typeof KEYS) => (name === 'min-free' ? space : /^keep-(?!within)/.test(name) ? count : duration);
const someFlags: fc.Arbitrary<PolicyFlags> = fc.record(
  Object.fromEntries(NAMES.map((name) => [name, fc.option(valuesOf(name), { nil: undefined, freq: 2 })])),
);

it('take exactly what the configuration takes, for the same policy and with the same words', async () => {
  const written = (flags: PolicyFlags) =>
    NAMES.flatMap((name) => {
      const text = flags[name];
      return text === undefined ? [] : `targets.root.${KEYS[name]} = ${valuesOf(name) === count ? text : JSON.stringify(text)}`;
    }).join('\n');
  const inFlags = (problem: string) =>
    NAMES.reduce((text, name) => text.replace(`\`${KEYS[name].split('.')[1] ?? ''}\``, `--${name}`), problem.replace(/^f:\d+:\d+: /, ''));

  const accepted = { yes: 0, no: 0 };
  await fc.assert(
    fc.asyncProperty(someFlags, async (flags) => {
      const text = written(flags);
      fc.pre(text !== '');
      const policyOrError = await parseConfig(text, 'f').then(
        ({ targets }) => targets[0]?.policy,
        (error: unknown) => error,
      );
      if (policyOrError instanceof RootsError) {
        const problems = policyOrError.message.split('\n').filter((line) => !/^f: \d+ problems$/.test(line));
        expect(failure(flags).message.split('\n').toSorted()).toEqual(problems.map(inFlags).toSorted());
        accepted.no++;
      } else {
        expect(policyOfFlags(flags)).toStrictEqual(policyOrError);
        accepted.yes++;
      }
    }),
    { numRuns: 500 },
  );
  expect(Math.min(accepted.yes, accepted.no)).toBeGreaterThan(25);
});

it('never fail in another way, whatever they hold', () => {
  const garbage = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[-+0-9.%KMGTiBhdwmy ]{0,40}$/));
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), garbage, (name, text) => {
      try {
        expect(policyOfFlags({ [name]: text })).toBeDefined();
      } catch (error) {
        expect(error).toBeInstanceOf(RootsError);
        expect((error as RootsError).message).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }
    }),
    { numRuns: 2000 },
  );
});
