import { describe, expect, it } from 'vitest';
import { fromBytes, fromText } from '../../../src/byte-path.ts';
import { toJson } from '../../../src/diff/change.ts';

describe('toJson', () => {
  it('has the shape of the contract, in its order', () => {
    const json = toJson({ path: fromText('etc/ü'), kind: 'modified', type: 'file', what: ['content', 'mtime'], size: 0 });
    expect(JSON.stringify(json)).toBe('{"path":"etc/ü","kind":"modified","type":"file","what":["content","mtime"],"size":0}');
  });

  it('carries names that are not UTF-8 exactly', () => {
    const json = toJson({
      path: fromBytes(Buffer.from([0xff])),
      kind: 'renamed',
      type: 'symlink',
      what: [],
      from: fromBytes(Buffer.from([0x61, 0xfe])),
    });
    expect(json).toEqual({
      path: '\ufffd',
      pathBase64: '/w==',
      kind: 'renamed',
      type: 'symlink',
      what: [],
      from: 'a\ufffd',
      fromBase64: 'Yf4=',
      size: null,
    });
  });
});
