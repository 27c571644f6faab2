import { expect, it } from 'vitest';
import { until } from '../../../src/system/patience.ts';

const { signal } = new AbortController();

it('waits until it is so, and no longer', async () => {
  let asked = 0;
  expect(await until(async () => (asked += 1) === 3, { patience: 10_000, signal })).toBe(true);
  expect(asked).toBe(3);
});

it('gives up when patience is at its end, and when it is no longer wanted', async () => {
  expect(await until(async () => false, { patience: 50, signal })).toBe(false);
  expect(await until(async () => false, { patience: 1e9, signal: AbortSignal.abort() })).toBe(false);
});
