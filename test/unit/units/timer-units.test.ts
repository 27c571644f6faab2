import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { EXIT_STATUS } from '../../../src/errors.ts';
import { timerUnits, type TimerOptions } from '../../../src/units/timer-units.ts';
import { HEADER, isWrittenByRoots, renderUnit, type Setting, type Unit } from '../../../src/units/unit.ts';
import { requires } from '../../support/requirements.ts';
import { withScratch } from '../../support/scratch.ts';
import { loadService } from './load-unit.ts';

const PLAIN: TimerOptions = {
  program: [fromText(process.execPath), fromText('/opt/roots/bin/run.js')],
  config: null,
  writable: [],
  rotates: false,
  onCalendar: null,
  onFailure: null,
};
const ALL: TimerOptions = {
  ...PLAIN,
  config: fromText('/persist/my "roots" 100%/$x.toml'),
  writable: [fromText('/persist/old roots'), fromText('/srv/50%/archive')],
  rotates: true,
  onCalendar: 'Sun 03:00',
  onFailure: 'notify@%n',
};

function unitOf(options: TimerOptions, name: string): Unit {
  const unit = timerUnits(options).find((each) => each.name === name);
  if (unit === undefined) throw new Error(`no ${name}`);
  return unit;
}

const settings = (unit: Unit): readonly Setting[] => Object.values(unit.sections).flat();
const valuesOf = (unit: Unit, key: string): string[] => settings(unit).flatMap(([each, value]) => (each === key ? [value] : []));

requires.systemd('systemd', () => {
  it.each([
    ['plain', PLAIN],
    ['with all that can be said', ALL],
  ])('has nothing to say against the units: %s', async (_, options) => {
    await withScratch(({ path }) => {
      const files = timerUnits(options).map((unit) => {
        const file = join(path, unit.name);
        writeFileSync(file, renderUnit(unit));
        return file;
      });
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...files], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] },
      });
      expect(stderr).toBe('');
      expect(status).toBe(0);
    });
  });

  it.each(['roots-prune.service', 'roots-rotate.service'])('calls the exposure of %s 2.6 at most', async (name) => {
    await withScratch(({ path }) => {
      const file = join(path, name);
      writeFileSync(file, renderUnit(unitOf(ALL, name)));
      const args = ['security', '--offline=true', '--no-pager', file];
      const { stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8', env: { PATH: process.env['PATH'], LC_ALL: 'C' } });
      const exposure = /Overall exposure level for \S+: (\d+\.\d+)/.exec(stdout)?.[1];
      expect(Number(exposure)).toBeGreaterThan(0);
      expect(Number(exposure)).toBeLessThanOrEqual(2.6);
    });
  });

  it('understands what is started, and what may be written to', async () => {
    const { commands, lines } = await loadService(renderUnit(unitOf(ALL, 'roots-prune.service')));
    const words = [...PLAIN.program, 'prune', '--yes', '--config', '/persist/my "roots" 100%/$$x.toml'];
    expect(commands).toEqual([words]);
    expect(lines).toContain('ReadWritePaths: /run -/persist/old roots -/srv/50%/archive');
    expect(lines).toContain('Environment: ROOTS_PRIVATE_NAMESPACE=1');
  });
});

describe('the services', () => {
  it('start `roots` as it was started, and ask nothing', () => {
    expect(valuesOf(unitOf(PLAIN, 'roots-prune.service'), 'ExecStart')).toEqual([`${process.execPath} /opt/roots/bin/run.js prune --yes`]);
    const rotates = { ...PLAIN, rotates: true };
    expect(valuesOf(unitOf(rotates, 'roots-rotate.service'), 'ExecStart')).toEqual([
      `${process.execPath} /opt/roots/bin/run.js rotate --yes`,
    ]);
  });

  it('fail for all but a stop: what is partly done must be heard of', () => {
    for (const unit of timerUnits(ALL).filter(({ name }) => name.endsWith('.service'))) {
      expect(valuesOf(unit, 'SuccessExitStatus')).toEqual([String(EXIT_STATUS.interrupted.status)]);
      expect(valuesOf(unit, 'OnFailure')).toEqual(['notify@%n.service']);
    }
    expect(timerUnits(PLAIN).flatMap((unit) => valuesOf(unit, 'OnFailure'))).toEqual([]);
  });

  it('are stopped by SIGTERM to the program alone', () => {
    for (const unit of timerUnits(ALL).filter(({ name }) => name.endsWith('.service')))
      expect(valuesOf(unit, 'KillMode')).toEqual(['mixed']);
  });

  it('do not share a runtime directory: systemd removes it with the first that ends', () => {
    const folders = timerUnits(ALL).flatMap((unit) => valuesOf(unit, 'RuntimeDirectory'));
    expect(new Set(folders).size).toBe(2);
  });

  it('rotate before they prune, and prune though rotating fails', () => {
    const prune = unitOf(ALL, 'roots-prune.service');
    expect(valuesOf(prune, 'After')).toEqual(['roots-rotate.service']);
    expect(valuesOf(prune, 'Wants')).toEqual(['roots-rotate.service']);
    expect(valuesOf(prune, 'Requires')).toEqual([]);
  });

  it('do not rotate where that is not configured', () => {
    expect(timerUnits(PLAIN).map(({ name }) => name)).toEqual(['roots-prune.service', 'roots-prune.timer']);
    expect(valuesOf(unitOf(PLAIN, 'roots-prune.service'), 'Wants')).toEqual([]);
  });
});

describe('the timer', () => {
  const schedule = (options: TimerOptions): readonly Setting[] => unitOf(options, 'roots-prune.timer').sections.Timer ?? [];

  it('runs after each boot and once a day', () => {
    expect(schedule(PLAIN)).toEqual(
      expect.arrayContaining([
        ['OnBootSec', '15min'],
        ['OnUnitActiveSec', '1d'],
      ]),
    );
    expect(valuesOf(unitOf(PLAIN, 'roots-prune.timer'), 'WantedBy')).toEqual(['timers.target']);
  });

  it('runs on each day of the calendar where slots are rotated', () => {
    expect(schedule({ ...PLAIN, rotates: true })).toEqual(
      expect.arrayContaining([
        ['OnBootSec', '15min'],
        ['OnCalendar', 'daily'],
      ]),
    );
  });

  it('makes up after a boot for what was missed, as its stamps are forgotten', () => {
    expect(schedule(ALL)).toEqual(
      expect.arrayContaining([
        ['OnBootSec', '15min'],
        ['OnCalendar', 'Sun 03:00'],
      ]),
    );
    expect(schedule(ALL).map(([key]) => key)).not.toContain('Persistent');
  });
});

it('the text of a unit is known again by its first line, and by nothing else', () => {
  const text = renderUnit(unitOf(PLAIN, 'roots-prune.timer'));
  expect(isWrittenByRoots(text)).toBe(true);
  expect(text).toMatch(/^# .*\n\n\[Unit\]\nDescription=.*\n\n\[Timer\]\n(?:\w+=.*\n)+\n\[Install\]\nWantedBy=timers\.target\n$/);
  for (const other of ['', `\n${text}`, `# mine\n${text}`, HEADER.slice(1), `${HEADER} not`]) expect(isWrittenByRoots(other)).toBe(false);
});
