import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { timerStatus, type TimerStatus } from '../../../src/operations/timer-status.ts';
import { uptime } from '../../../src/system/systemd.ts';
import { NOW, withMachine } from './timer-machine.ts';

describe('the status', () => {
  const TIMER = 'LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nNextElapseUSecRealtime=\nNextElapseUSecMonotonic=infinity\n';
  const RUN =
    'LoadState=loaded\nActiveState=inactive\nExecMainStartTimestamp=Fri 2026-11-20 09:00:00 UTC\nExecMainExitTimestamp=Fri 2026-11-20 09:00:07 UTC\n';
  const DONE = `${RUN}Result=success\nExecMainCode=1\nExecMainStatus=0\n`;
  const NONE = 'LoadState=not-found\nActiveState=inactive\nResult=success\n';
  const status = async (show: string): Promise<TimerStatus> => {
    let seen: TimerStatus | undefined;
    await withMachine(async (machine) => {
      machine.show = show;
      seen = await timerStatus(machine.context, machine.path);
    });
    if (seen === undefined) throw new Error('not reached');
    return seen;
  };

  it('of a timer that does its work', async () => {
    expect(await status(`${TIMER}\n${DONE}\n${NONE}`)).toEqual({
      enabled: true,
      active: true,
      nextRun: null,
      services: [
        {
          unit: 'roots-prune.service',
          running: false,
          startedAt: new Date('2026-11-20T09:00:00Z'),
          endedAt: new Date('2026-11-20T09:00:07Z'),
          result: 'success',
          exitStatus: 0,
        },
      ],
      logged: [],
      notRead: [],
      failing: [],
    });
  });

  it('knows the next run by whichever clock comes first', async () => {
    const minutes = Math.floor(uptime() / 60) + 60;
    const monotonic = TIMER.replace('infinity', `${String(minutes)}min`);
    const { nextRun } = await status(`${monotonic}\n${DONE}\n${NONE}`);
    expect(Math.abs((nextRun?.getTime() ?? 0) - NOW.getTime() - 3_600_000)).toBeLessThan(61_000);
    const both = monotonic.replace('Realtime=', 'Realtime=Fri 2026-11-20 12:30:00 UTC');
    expect((await status(`${both}\n${DONE}\n${NONE}`)).nextRun).toEqual(new Date('2026-11-20T12:30:00Z'));
  });

  it.each([
    ['a run that is partly done', `${RUN}Result=exit-code\nExecMainCode=1\nExecMainStatus=3\n`, 'exit status 3, partly done', 3],
    ['a run that took too long', `${RUN}Result=timeout\nExecMainCode=2\nExecMainStatus=15\n`, 'timeout', null],
    ['a unit that cannot be loaded', 'LoadState=bad-setting\nActiveState=inactive\n', 'bad-setting', undefined],
  ])('fails for %s', async (_, service, why, exitStatus) => {
    const { failing, services } = await status(`${TIMER}\n${service}\n${NONE}`);
    expect(failing).toEqual([expect.stringContaining(why)]);
    expect(services[0]?.exitStatus).toBe(exitStatus);
  });

  it('fails for a timer that is enabled and stopped', async () => {
    const { failing, nextRun } = await status(`${TIMER.replace('ActiveState=active', 'ActiveState=inactive')}\n${DONE}\n${NONE}`);
    expect(failing).toEqual(['roots-prune.timer is enabled and not active']);
    expect(nextRun).toBeNull();
  });

  it('does not fail where no timer is enabled, nor while it runs', async () => {
    expect(await status(`${NONE}\n${NONE}\n${NONE}`)).toMatchObject({ enabled: false, services: [], failing: [] });
    const running =
      'LoadState=loaded\nActiveState=activating\nExecMainStartTimestamp=Fri 2026-11-20 11:59:00 UTC\nResult=success\nExecMainCode=0\n';
    const { services, failing } = await status(`${TIMER}\n${running}\n${NONE}`);
    expect(services).toEqual([expect.objectContaining({ running: true, endedAt: null, result: null, exitStatus: null })]);
    expect(failing).toEqual([]);
  });

  it('has the last runs of the boots before from the archives', async () => {
    await withMachine(async (machine) => {
      machine.show = `${TIMER}\n${NONE}\n${NONE}`;
      const state = join(machine.path, 'persist/old roots/.roots');
      mkdirSync(state, { mode: 0o700 });
      const run = { event: 'prune', removed: 2, trashed: 0, failed: 0 };
      const lines = [
        { at: '2026-11-18T09:00:00.000Z', run: 'a', ...run },
        {
          at: '2026-11-19T09:00:00.000Z',
          run: 'b',
          event: 'failed',
          name: '2026-01-01_08:00:00',
          id: 'x',
          reasons: ['r'],
          error: 'it is busy',
        },
        // What the run before had announced and not done, and this one did then.
        ...(['failed', 'removing', 'removed'] as const).map((event) => ({
          at: '2026-11-19T09:00:00.000Z',
          run: 'b',
          event,
          name: '2026-01-02_08:00:00',
          id: 'y',
          reasons: ['r'],
          ...(event === 'failed' ? { error: 'cut short' } : {}),
        })),
        { at: '2026-11-19T09:00:00.000Z', run: 'b', ...run, removed: 1, failed: 1 },
      ];
      writeFileSync(join(state, 'log.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
      const { logged, failing } = await timerStatus(machine.context, machine.path);
      expect(logged).toEqual([
        {
          target: 'root',
          command: 'prune',
          at: new Date('2026-11-19T09:00:00Z'),
          removed: 1,
          trashed: 0,
          failures: [{ name: '2026-01-01_08:00:00', error: 'it is busy' }],
          error: null,
        },
      ]);
      expect(failing).toEqual(['the last `roots prune` of root failed for 2026-01-01_08:00:00']);
    });
  });
});
