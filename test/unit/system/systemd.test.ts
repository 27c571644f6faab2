import { describe, expect, it } from 'vitest';
import type { Run } from '../../../src/system/run.ts';
import { run } from '../../../src/system/run.ts';
import {
  checkCalendarEvent,
  parseProperties,
  parseTimespan,
  parseTimestamp,
  requireSystemd,
  showUnits,
  systemctl,
} from '../../../src/system/systemd.ts';
import { requires } from '../../support/requirements.ts';

const answering =
  (answer: { status?: number; stdout?: string; stderr?: string }): Run =>
  async () => ({ status: answer.status ?? 0, stdout: Buffer.from(answer.stdout ?? ''), stderr: answer.stderr ?? '' });

describe('properties', () => {
  it('are lines with one name and a value that may hold anything', () => {
    const [first, second, ...more] = parseProperties('Id=a.timer\nEnvironment=A=1 B=2\nResult=\n\nId=b.service\nodd\n=x\n');
    expect([...(first ?? [])]).toEqual([
      ['Id', 'a.timer'],
      ['Environment', 'A=1 B=2'],
      ['Result', ''],
    ]);
    expect([...(second ?? [])]).toEqual([['Id', 'b.service']]);
    expect(more).toEqual([]);
  });

  it('are one set for each unit that is asked for, empty where systemd said nothing', async () => {
    const shown = await showUnits(answering({ stdout: 'Id=a.timer\n' }), ['a.timer', 'b.service'], ['Id']);
    expect(shown.map((each) => each.get('Id'))).toEqual(['a.timer', undefined]);
  });
});

it.each([
  ['Fri 2026-11-20 18:20:00 UTC', '2026-11-20T18:20:00.000Z'],
  ['Fri 2026-11-20 18:20:00.123456 UTC', '2026-11-20T18:20:00.000Z'],
  ['2026-11-20 18:20:00 UTC', '2026-11-20T18:20:00.000Z'],
  ['Fri 2026-11-20 18:20:00 CET', undefined],
  ['Fri 2026-13-20 18:20:00 UTC', undefined],
  ['n/a', undefined],
  ['', undefined],
  ['infinity', undefined],
])('the time %j is %s', (text, expected) => {
  expect(parseTimestamp(text)?.toISOString()).toBe(expected);
});

it.each([
  ['15min', 900],
  ['1d 14h 31min 30.862203s', 138_690.862_203],
  ['1month 2w 3d', 2_629_800 + 14 * 86_400 + 3 * 86_400],
  ['1y 5ms 10us', 31_557_600.005_01],
  ['0', null],
  ['infinity', null],
  ['', null],
  ['n/a', null],
  ['15min or so', null],
  ['3 parsecs', null],
])('the span %j is %s seconds', (text, expected) => {
  const seconds = parseTimespan(text);
  if (expected === null) expect(seconds).toBeNull();
  else expect(seconds).toBeCloseTo(expected, 6);
});

it('nothing that was not said is a time', () => {
  expect([parseTimestamp(undefined), parseTimespan(undefined)]).toEqual([null, null]);
});

it.each([
  ['Failed to enable unit: Unit file x.timer does not exist.', 'failed'],
  ['Failed to reload daemon: Access denied', 'not-permitted'],
  ['Failed to start x.timer: Interactive authentication required.', 'not-permitted'],
])('what systemctl refuses is told in its words: %s', async (stderr, kind) => {
  await expect(systemctl(answering({ status: 1, stderr }), ['enable', 'x.timer'])).rejects.toMatchObject({
    kind,
    message: expect.stringContaining(stderr) as string,
  });
});

it('a machine without systemd is `unsupported`', () => {
  expect(() => {
    requireSystemd('/nonexistent');
  }).toThrow(expect.objectContaining({ kind: 'unsupported' }));
  expect(() => {
    requireSystemd('/');
  }).not.toThrow();
});

requires.systemd('a calendar event', () => {
  it('that systemd understands is one', async () => {
    for (const event of ['daily', 'Sun 03:00', '*-*-* 04:30:00 Europe/Berlin']) await checkCalendarEvent(run, event);
  });

  it('that it does not is `usage`, with its words', async () => {
    for (const event of ['dayly', 'Sun 25:00', '']) {
      await expect(checkCalendarEvent(run, event)).rejects.toMatchObject({
        kind: 'usage',
        message: expect.stringContaining('Failed to parse') as string,
      });
    }
  });
});
