import { describe, expect, it } from 'vitest';
import { agreed } from '../../../src/system/names.ts';

describe('agreed', () => {
  const reading = (...readings: readonly string[][]): { read: () => string[]; count: () => number } => {
    let at = 0;
    return { read: () => readings[Math.min(at++, readings.length - 1)] ?? [], count: () => at };
  };
  const names = (read: () => string[]): string[] => agreed(read, (name) => name);

  it('takes what two readings in a row say, and reads no more than that', () => {
    const whole = ['a', 'b', 'c'];
    const same = reading(whole);
    expect([names(same.read), same.count()]).toEqual([whole, 2]);
    const short = reading(['b'], whole);
    expect([names(short.read), short.count()]).toEqual([whole, 3]);
    const between = reading(whole, ['a'], whole);
    expect([names(between.read), between.count()]).toEqual([whole, 4]);
  });

  it('sees a name that has been replaced by another', () => {
    expect(names(reading(['a', 'b'], ['a', 'c']).read)).toEqual(['a', 'c']);
  });

  it('takes the longest where no two agree', () => {
    let length = 30;
    const read = (): string[] => Array.from({ length: (length -= 1) }, (_, at) => String(at));
    expect(names(read)).toHaveLength(29);
  });
});
