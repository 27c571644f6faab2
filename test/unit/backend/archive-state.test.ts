import { lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { hasStateFolder, pinOf, readPins, writePin } from '../../../src/backend/archive-state.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
beforeEach(() => (scratch = makeScratch()));
afterEach(() => scratch.remove());

const archive = (): ReturnType<typeof fromText> => fromText(scratch.path);
const file = (): string => join(scratch.path, '.roots/pins.json');
const PIN = { note: 'ünï "quoted"\n', at: new Date('2026-11-20T12:00:00.123Z') };

describe('pins', () => {
  it('are none where there is no folder, and it is not made', () => {
    expect(readPins(archive())).toEqual({ stored: {}, unreadable: null });
    expect(hasStateFolder(archive())).toBe(false);
    expect(readdirSync(scratch.path)).not.toContain('.roots');
  });

  it('are read as they were written, each by its own id', () => {
    mkdirSync(join(scratch.path, '.roots'));
    for (const id of ['a', 'b', 'toString', '/_w']) writePin(archive(), { id, name: fromText(id) }, PIN);
    for (const id of ['a', 'b', 'toString', '/_w']) expect(pinOf(readPins(archive()), id)).toEqual(PIN);
    expect(pinOf(readPins(archive()), 'c')).toBeNull();
    expect(pinOf(readPins(archive()), 'valueOf')).toBeNull();
    writePin(archive(), { id: 'a', name: fromText('a') }, null);
    expect(pinOf(readPins(archive()), 'a')).toBeNull();
    expect(pinOf(readPins(archive()), 'b')).toEqual(PIN);
    expect(readdirSync(join(scratch.path, '.roots'))).toEqual(['pins.json']);
    expect(lstatSync(file()).mode & 0o777).toBe(0o600);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('the pin of a tree known as %s is not lost in silence', (id) => {
    mkdirSync(join(scratch.path, '.roots'));
    writePin(archive(), { id, name: fromText(id) }, PIN);
    expect(pinOf(readPins(archive()), id)).not.toBeNull();
  });

  it('that are damaged are never overwritten', () => {
    mkdirSync(join(scratch.path, '.roots'));
    writeFileSync(file(), '{"version":1,"pins":{"a":');
    expect(pinOf(readPins(archive()), 'any')).not.toBeNull();
    expect(() => writePin(archive(), { id: 'b', name: fromText('b') }, PIN)).toThrow('is damaged, so no pin can be changed');
    expect(readFileSync(file(), 'utf8')).toBe('{"version":1,"pins":{"a":');
  });

  it('are not written through a link that was planted for the new file', () => {
    mkdirSync(join(scratch.path, '.roots'));
    writeFileSync(join(scratch.path, 'victim'), 'kept');
    symlinkSync('../victim', join(scratch.path, '.roots/.pins.json.new'));
    expect(() => writePin(archive(), { id: 'a', name: fromText('a') }, PIN)).toThrow();
    expect(readFileSync(join(scratch.path, 'victim'), 'utf8')).toBe('kept');
  });

  it('a killed run that left a half-written new file is no hindrance', () => {
    mkdirSync(join(scratch.path, '.roots'));
    writeFileSync(join(scratch.path, '.roots/.pins.json.new'), '{"half');
    writePin(archive(), { id: 'a', name: fromText('a') }, PIN);
    expect(pinOf(readPins(archive()), 'a')).toEqual(PIN);
  });
});
