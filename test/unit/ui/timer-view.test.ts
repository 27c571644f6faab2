import { describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import type { EnableOutcome } from '../../../src/operations/timer.ts';
import type { TimerStatus } from '../../../src/operations/timer-status.ts';
import { screenOf } from '../../../src/ui/terminal.ts';
import {
  disabledContract,
  enabledContract,
  renderDisabled,
  renderEnabled,
  renderStatus,
  statusContract,
} from '../../../src/ui/timer-view.ts';

const screen = screenOf({ isTTY: true, columns: 80 }, { NO_COLOR: '1' });
const clock = { now: new Date('2026-11-20T12:00:00Z'), zone: 'UTC' };
const ENABLED: EnableOutcome = {
  files: [
    { path: fromText('/etc/systemd/system/roots-prune.service'), text: '# ours\n\n[Service]\n', action: 'create' },
    { path: fromText('/etc/systemd/system/roots-prune.timer'), text: '# ours\n\n[Timer]\n', action: 'keep' },
    { path: fromText('/etc/systemd/system/roots-rotate.service'), text: '', action: 'remove' },
  ],
  nixModule: null,
  enabled: true,
  why: null,
  warnings: [],
  nextRun: new Date('2026-11-21T00:07:00Z'),
};

describe('roots timer enable', () => {
  it('says what became of each file, and when the next run is', () => {
    expect(renderEnabled(screen, ENABLED, clock)).toBe(
      [
        'written   /etc/systemd/system/roots-prune.service',
        'unchanged /etc/systemd/system/roots-prune.timer',
        'removed   /etc/systemd/system/roots-rotate.service',
        'The timer is enabled. Its next run is at 2026-11-21 00:07 (in 12 hours).',
      ].join('\n'),
    );
  });

  it('before it is done, says so', () => {
    const text = renderEnabled(screen, { ...ENABLED, enabled: false, nextRun: null, warnings: ['a\u001b[31mb'] }, clock);
    expect(text).toContain('to be written /etc/systemd/system/roots-prune.service\n');
    expect(text).toContain('warning: a\\e[31mb\n');
    expect(text).toMatch(/\nNothing was changed\.$/);
  });

  it('shows what to put where instead', () => {
    const refused = { ...ENABLED, enabled: false, nextRun: null, why: 'it is gone tomorrow' };
    const files = renderEnabled(screen, refused, clock);
    expect(files).toContain('Nothing was written: it is gone tomorrow.\n');
    expect(files).toContain('# /etc/systemd/system/roots-prune.service\n# ours\n\n[Service]\n\n# /etc/systemd/system/roots-prune.timer\n');
    expect(files).not.toContain('roots-rotate');
    const module = renderEnabled(screen, { ...refused, nixModule: '{ pkgs, ... }:\n{ }\n' }, clock);
    expect(module).toMatch(/Put this into your configuration:\n\n\{ pkgs, \.\.\. \}:\n\{ \}$/);
  });

  it('has a contract', () => {
    expect(enabledContract(ENABLED)).toEqual({
      enabled: true,
      why: null,
      nextRun: '2026-11-21T00:07:00.000Z',
      units: ENABLED.files.map(({ path, text, action }) => ({ path, content: text, action })),
      nixModule: null,
      warnings: [],
    });
  });
});

it('roots timer disable says what it removed', () => {
  const removed = [fromText('/etc/systemd/system/roots-prune.timer')];
  expect(renderDisabled({ removed }, { dryRun: false })).toBe('removed  /etc/systemd/system/roots-prune.timer\nThe timer is disabled.');
  expect(renderDisabled({ removed }, { dryRun: true })).toContain('Nothing was changed.');
  expect(renderDisabled({ removed: [] }, { dryRun: false })).toBe('There is no timer to disable.');
  expect(disabledContract({ removed })).toEqual({ removed: [{ path: '/etc/systemd/system/roots-prune.timer' }] });
});

describe('roots timer status', () => {
  const STATUS: TimerStatus = {
    enabled: true,
    active: true,
    nextRun: new Date('2026-11-21T00:07:00Z'),
    services: [
      {
        unit: 'roots-prune.service',
        running: false,
        startedAt: new Date('2026-11-20T09:00:00Z'),
        endedAt: new Date('2026-11-20T09:00:07Z'),
        result: 'exit-code',
        exitStatus: 3,
      },
      { unit: 'roots-rotate.service', running: false, startedAt: null, endedAt: null, result: null, exitStatus: null },
    ],
    logged: [
      {
        target: 'root',
        command: 'prune',
        at: new Date('2026-11-20T09:00:00Z'),
        removed: 2,
        trashed: 1,
        failures: [{ name: '2026-01-01_08:00:00', error: 'it is busy' }],
        error: null,
      },
    ],
    notRead: [],
    failing: ['the last run of roots-prune.service failed: exit status 3, partly done'],
  };

  it('shows the next run, the last ones, what they did and what failed', () => {
    expect(renderStatus(screen, STATUS, clock)).toBe(
      [
        'The timer is enabled.',
        '  Next run:     2026-11-21 00:07 (in 12 hours)',
        '  roots-prune:  2026-11-20 09:00 (3 hours ago): failed with status 3',
        '  roots-rotate: no run since the boot',
        '  root: prune:  2026-11-20 09:00 (3 hours ago): 2 old roots removed, 1 put into the trash, 1 failed',
        'failed   root:2026-01-01_08:00:00: it is busy',
        'failing: the last run of roots-prune.service failed: exit status 3, partly done',
      ].join('\n'),
    );
  });

  it('says that nothing is enabled', () => {
    const text = renderStatus(
      screen,
      { ...STATUS, enabled: false, nextRun: null, services: [], logged: [], notRead: ['x'], failing: [] },
      clock,
    );
    expect(text).toBe('The timer is not enabled.\n  Next run: none\nno log was read: x');
  });

  it('has a contract', () => {
    const contract = statusContract(STATUS) as Record<string, unknown>;
    expect(Object.keys(contract).sort()).toEqual(['active', 'enabled', 'failing', 'logged', 'nextRun', 'notRead', 'services']);
    expect(contract['services']).toContainEqual(expect.objectContaining({ startedAt: '2026-11-20T09:00:00.000Z', result: 'exit-code' }));
    expect(contract['logged']).toEqual([expect.objectContaining({ at: '2026-11-20T09:00:00.000Z', command: 'prune', removed: 2 })]);
  });
});
