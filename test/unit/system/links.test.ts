import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText, joinPath, toBytes, type BytePath } from '../../../src/byte-path.ts';
import { realPath, withoutLinks } from '../../../src/system/links.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

describe('a path without links', () => {
  it('is bytes, on the way and where a link leads', () => {
    const directory = joinPath(fromText(scratch.path), 'old\xff roots' as BytePath);
    const inside = joinPath(directory, fromText('inside'));
    const link = joinPath(directory, 'link\xfe' as BytePath);
    mkdirSync(toBytes(inside), { recursive: true });
    symlinkSync(toBytes(inside), toBytes(link));
    expect([realPath(link), withoutLinks(link), realPath(directory)]).toEqual([inside, inside, directory]);
  });

  it('that leads nowhere is told as the kernel does, or is as it was given', () => {
    const link = join(scratch.path, 'link');
    symlinkSync('nowhere', link);
    expect(() => realPath(fromText(link))).toThrow(expect.objectContaining({ code: 'ENOENT' }) as Error);
    expect(withoutLinks(fromText(link))).toBe(link);
  });
});
