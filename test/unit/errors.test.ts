import { lstatSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT_STATUS, RootsError, errnoOf, messageOf } from '../../src/errors.ts';

describe('exit statuses', () => {
  it('are those that were promised, one for each outcome', () => {
    expect(Object.fromEntries(Object.entries(EXIT_STATUS).map(([outcome, { status }]) => [outcome, status]))).toEqual({
      done: 0,
      failed: 1,
      usage: 2,
      partly: 3,
      'not-found': 10,
      locked: 11,
      unsupported: 12,
      'not-permitted': 13,
      interrupted: 130,
    });
    expect(new Set(Object.values(EXIT_STATUS).map(({ meaning }) => meaning)).size).toBe(Object.keys(EXIT_STATUS).length);
  });
});

describe('RootsError', () => {
  it('carries what a person can act on', () => {
    const cause = new Error('cause');
    const error = new RootsError('locked', 'message', { hint: 'wait', cause });
    expect(error).toMatchObject({ name: 'RootsError', kind: 'locked', message: 'message', hint: 'wait', cause });
    expect('cause' in new RootsError('failed', 'message')).toBe(false);
    expect(new RootsError('failed', 'message').hint).toBeUndefined();
  });
});

describe('what was thrown', () => {
  it('has the code of a system error, if it is one', () => {
    let thrown: unknown;
    try {
      lstatSync('/nonexistent/roots');
    } catch (error) {
      thrown = error;
    }
    expect(errnoOf(thrown)).toBe('ENOENT');
    expect(errnoOf(Object.assign(new Error('x'), { code: 7 }))).toBeUndefined();
    for (const other of [new Error('x'), undefined, null, 'ENOENT', { code: 'ENOENT' }]) expect(errnoOf(other)).toBeUndefined();
  });

  it('has a message, whatever it is', () => {
    expect([messageOf(new Error('x')), messageOf('y'), messageOf(undefined)]).toEqual(['x', 'y', 'undefined']);
  });
});
