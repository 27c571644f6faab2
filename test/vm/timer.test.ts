import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { guestSuite } from './guest-suite.ts';

const result = guestSuite({
  script: fileURLToPath(new URL('timer.sh', import.meta.url)),
  boot: 'systemd',
  diskMiB: [512, 256],
  limitSeconds: 900,
});

const lines = (name: string): string[] =>
  result(name)
    .split('\n')
    .filter((line) => line !== '');
/** As `systemctl show` prints them. */
const properties = (name: string): Record<string, string> =>
  Object.fromEntries(lines(name).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
/** What the service wrote itself. */
const said = (name: string): { priority: string; text: string }[] =>
  lines(name)
    .map((line) => JSON.parse(line) as Record<string, string>)
    .filter(({ _SYSTEMD_UNIT }) => _SYSTEMD_UNIT === 'roots-prune.service')
    .map(({ PRIORITY = '', MESSAGE = '' }) => ({ priority: PRIORITY, text: MESSAGE }));

describe('roots timer enable', () => {
  it('writes units that systemd accepts without a word', () => {
    expect(result('enable.stderr')).toBe('');
    expect(result('enable.status')).toBe('0\n');
    expect(result('verify')).toBe('');
  });

  it('hardens the service', () => {
    const exposure = /Overall exposure level for roots-prune\.service: ([\d.]+)/.exec(result('security'))?.[1];
    expect(Number(exposure)).toBeLessThanOrEqual(2.6);
  });

  it('starts the timer, which has a next run, and no run at once', () => {
    const timers = JSON.parse(result('timers')) as { unit: string; activates: string; next: number | null }[];
    const timer = timers.find(({ unit }) => unit === 'roots-prune.timer');
    expect(timer).toMatchObject({ activates: 'roots-prune.service', next: expect.any(Number) as number });
    expect(timer!.next).toBeGreaterThan(0);
  });
});

describe('a run of the service', () => {
  it('succeeds', () => {
    expect(properties('done.service')).toMatchObject({ Result: 'success', ExecMainStatus: '0', ActiveState: 'inactive' });
    expect(() => result('alarm-too-early')).toThrow('ENOENT');
  });

  it('removes what the policy does not keep, and neither what is mounted out of its sight nor what is recent', () => {
    const [, held, , , ...recent] = lines('before.roots');
    expect(recent).toHaveLength(2);
    expect(lines('done.roots')).toEqual([held, ...recent]);
  });

  it('leaves no mount behind', () => {
    expect(lines('done.mounts')).toEqual(lines('before.mounts'));
  });

  it('says in the journal what it removed and why', () => {
    const [first, , third, fourth] = lines('before.roots');
    const removals = said('done.journal').filter(({ text }) => text.startsWith('removed'));
    expect(removals.map(({ text }) => text)).toEqual(
      [first, third, fourth].map((name) => expect.stringMatching(`${name!}.*older than 30d`) as string),
    );
    expect(new Set(removals.map(({ priority }) => priority))).toEqual(new Set(['5']));
  });

  it('is the last run that roots timer status tells of, and all is well', () => {
    expect(result('status.status')).toBe('0\n');
    const status = JSON.parse(result('status.stdout')) as Record<string, unknown>;
    expect(status).toMatchObject({
      enabled: true,
      active: true,
      failing: [],
      services: [{ unit: 'roots-prune.service', result: 'success', exitStatus: 0 }],
      logged: [{ target: 'root', command: 'prune', removed: 3, failures: [] }],
    });
    const { nextRun, services } = status as { nextRun: string; services: [{ endedAt: string }] };
    expect(Date.parse(nextRun)).toBeGreaterThan(Date.parse(services[0].endedAt));
  });
});

describe('the service', () => {
  it('lets the programs of ZFS and bcachefs do what pruning and rotating need', () => {
    expect(properties('others.service'), result('others.log')).toMatchObject({ Result: 'success', ExecMainStatus: '0' });
    expect(lines('others')).toEqual(['kept', 'tank', 'tank/root', 'done', 'lost+found', 'root']);
  });
});

describe('a run that the timer starts and that cannot remove everything', () => {
  it('is a failure to systemd, which starts the unit for that', () => {
    expect(properties('failed.service')).toMatchObject({ Result: 'exit-code', ExecMainStatus: '3' });
    expect(properties('failed.timer')['LastTriggerUSec']).not.toBe('');
    expect(result('alarm')).toBe('');
  });

  it('removes nothing and leaves no mount behind', () => {
    expect(lines('failed.roots')).toEqual(lines('done.roots'));
    expect(lines('failed.mounts')).toEqual(lines('before.mounts'));
  });

  it('says in the journal what failed, as an error', () => {
    const [, held] = lines('before.roots');
    const errors = said('failed.journal').filter(({ priority }) => priority === '3');
    expect(errors.map(({ text }) => text)).toContainEqual(expect.stringContaining(held!));
  });

  it('is what roots timer status tells of', () => {
    const [, held] = lines('before.roots');
    expect(result('status-of-failure.status')).toBe('1\n');
    expect(JSON.parse(result('status-of-failure.stdout'))).toMatchObject({
      failing: [expect.stringContaining('status 3') as string, expect.stringContaining(held!) as string],
      services: [{ result: 'exit-code', exitStatus: 3 }],
      logged: [{ removed: 0, failures: [{ name: held }] }],
    });
  });
});

describe('roots timer disable', () => {
  it('removes the units and stops the timer', () => {
    expect(result('disable.status')).toBe('0\n');
    expect(lines('units-left').filter((name) => name.startsWith('roots-'))).toEqual([]);
    expect(result('timers-left')).not.toContain('roots-prune');
  });
});
