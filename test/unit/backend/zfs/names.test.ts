import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromText, toText } from '../../../../src/byte-path.ts';
import { deletingName, removingName, trashName } from '../../../../src/backend/entry-name.ts';
import { entryOf } from '../../../../src/backend/zfs/departures.ts';
import { datasetOf, entryOfSnapshot, isPartOf, pathWithin } from '../../../../src/backend/zfs/names.ts';

const PLACES = { live: 'rpool/root', archive: 'rpool/old_roots' };
const free = async (): Promise<boolean> => Promise.resolve(false);

describe('datasetOf', () => {
  it('tells datasets below the archive from snapshots of the live root', () => {
    expect(datasetOf(PLACES, fromText('2026-11-20_18:20:00'))).toBe('rpool/old_roots/2026-11-20_18:20:00');
    expect(datasetOf(PLACES, fromText('@2026-11-20_18:20:00'))).toBe('rpool/root@2026-11-20_18:20:00');
    expect(datasetOf(PLACES, fromText('.roots-trash.20261121T134121Z.@today'))).toBe('rpool/root@.roots-trash.20261121T134121Z.today');
    expect(datasetOf(PLACES, fromText('.roots-removing.0.today'))).toBe('rpool/old_roots/.roots-removing.0.today');
  });

  it('knows no place that is not there', () => {
    expect(datasetOf({ ...PLACES, archive: null }, fromText('a'))).toBeUndefined();
    expect(datasetOf({ ...PLACES, live: null }, fromText('@a'))).toBeUndefined();
  });

  it('comes back to the same entry, whatever the name and whatever is done to it', async () => {
    const name = fc
      .string({ unit: fc.constantFrom('a', 'b', 'z', '0', '1', '9', '-', '_', '.', ':', ' '), minLength: 1, maxLength: 40 })
      .filter((each) => !each.startsWith('.roots-'));
    await fc.assert(
      fc.asyncProperty(name, fc.boolean(), async (text, isSnapshot) => {
        const plain = fromText(isSnapshot ? `@${text}` : text);
        const entries = [
          plain,
          await trashName(plain, new Date(0), free),
          await removingName(plain, free),
          await deletingName(plain, free),
        ];
        for (const entry of entries) {
          const dataset = datasetOf(PLACES, entry ?? fromText(''));
          expect(dataset).toMatch(isSnapshot ? /^rpool\/root@[^/@]+$/ : /^rpool\/old_roots\/[^/@]+$/);
          expect(entryOf(dataset ?? '', PLACES.archive, PLACES.live)).toBe(entry);
        }
        expect(toText(entryOfSnapshot(text))).toBe(`@${text}`);
      }),
    );
  });
});

describe('entryOf', () => {
  it('is only for what is directly there', () => {
    for (const name of [
      'rpool/old_roots',
      'rpool/old_roots/a/b',
      'rpool/old_roots/a@s',
      'rpool/old_roots@s',
      'rpool/root',
      'rpool/root/var@s',
      'rpool/root2@s',
    ])
      expect(entryOf(name, PLACES.archive, PLACES.live), name).toBeNull();
  });
});

describe('isPartOf', () => {
  it('knows what goes with a filesystem, and with a snapshot', () => {
    for (const name of ['p/a', 'p/a@s', 'p/a/b', 'p/a/b@s']) expect(isPartOf(name, 'p/a'), name).toBe(true);
    for (const name of ['p', 'p/ab', 'p/ab@s', 'p@s']) expect(isPartOf(name, 'p/a'), name).toBe(false);
    for (const name of ['p/a@s', 'p/a/b@s']) expect(isPartOf(name, 'p/a@s'), name).toBe(true);
    for (const name of ['p/a', 'p/a/b', 'p/a@st', 'p/ab@s', 'p/a/b@t']) expect(isPartOf(name, 'p/a@s'), name).toBe(false);
  });

  it('says where', () => {
    expect(pathWithin('p/a/b/c', 'p/a')).toBe('b/c');
    expect(pathWithin('p/a/b@s', 'p/a@s')).toBe('b');
  });
});
