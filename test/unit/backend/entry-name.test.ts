import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromText, type BytePath } from '../../../src/byte-path.ts';
import { parseEntryName, removingName, trashName } from '../../../src/backend/entry-name.ts';

const free = async (): Promise<boolean> => Promise.resolve(false);
/** Bytes but NUL and slash. */
const names = fc
  .array(
    fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f),
    { minLength: 1, maxLength: 220 },
  )
  .map((bytes) => String.fromCharCode(...bytes) as BytePath);
/** To the second. */
const times = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000));

describe('the name of an entry', () => {
  it('in the trash gives back the name and the time, whatever bytes they are', async () => {
    await fc.assert(
      fc.asyncProperty(names, times, async (name, at) => {
        const entry = await trashName(name, at, free);
        expect(entry === undefined ? 'too long' : parseEntryName(entry)).toEqual({ kind: 'trashed', formerName: name, at });
      }),
    );
  });

  it('on its way out is known as such, however long', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          names,
          names.map((name) => name.repeat(3).slice(0, 255) as BytePath),
        ),
        async (name) => {
          const entry = await removingName(name, free);
          expect(entry.length).toBeLessThanOrEqual(255);
          const parsed = parseEntryName(entry);
          expect(parsed.kind).toBe('removing');
          expect(name.startsWith('formerName' in parsed ? parsed.formerName : 'nothing')).toBe(true);
        },
      ),
    );
  });

  it('is never one that is taken', async () => {
    const taken = new Set<string>();
    const isTaken = async (each: BytePath): Promise<boolean> => Promise.resolve(taken.has(each));
    const at = new Date('2026-11-20T12:00:00Z');
    for (let count = 0; count < 5; count += 1) {
      for (const name of [await trashName(fromText('a'), at, isTaken), await removingName(fromText('a'), isTaken)]) {
        expect(taken.has(name ?? '')).toBe(false);
        taken.add(name ?? '');
      }
    }
    expect([...taken].filter((name) => name.startsWith('.roots-trash')).map((name) => name.slice(13, 29))).toEqual([
      '20261120T120000Z',
      '20261120T120001Z',
      '20261120T120002Z',
      '20261120T120003Z',
      '20261120T120004Z',
    ]);
  });

  it('in the trash is none if it could not be had back', async () => {
    expect((await trashName('x'.repeat(225) as BytePath, new Date(0), free))?.length).toBe(255);
    expect(await trashName('x'.repeat(226) as BytePath, new Date(0), free)).toBeUndefined();
  });

  it('is plain for all else', () => {
    for (const name of [
      '2026-11-20_08:00:00',
      '.roots',
      '.roots-trash.',
      '.roots-trash.2026.x',
      '.roots-trash.20261120T120000Z.',
      '.roots-removing.x.y',
      '.roots-removing.0.',
      'x.roots-removing.0.y',
    ])
      expect(parseEntryName(fromText(name)), name).toEqual({ kind: 'plain' });
  });
});
