import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { imageHeader } from '../../../src/ui/image-header.ts';

const bytes = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));

const PNG = bytes('\x89PNG\r\n\x1a\n', [0, 0, 0, 13], 'IHDR', [0, 0, 2, 128], [0, 0, 1, 224], [8, 6, 0, 0, 0]);
// With a thumbnail before the frame, which has a size of its own, and fill bytes.
const JPEG = bytes(
  [0xff, 0xd8, 0xff, 0xe1, 0, 11],
  [0xff, 0xc0, 0, 17, 8, 0, 1, 0, 1],
  [0xff, 0xff, 0xc4, 0, 3, 0],
  [0xff, 0xc2, 0, 17, 8, 4, 56, 7, 128, 3],
);
const VP8 = bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8 ', [0, 0, 0, 0, 0x50, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00]);
const VP8L = bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8L', [0, 0, 0, 0, 0x2f, 0x3f, 0xc1, 0x3b, 0x00], [0, 0, 0, 0, 0]);
const VP8X = bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8X', [10, 0, 0, 0, 0, 0, 0, 0], [0x7f, 0x02, 0], [0xdf, 0x01, 0]);

describe('imageHeader', () => {
  it.each([
    ['PNG', PNG, 640, 480],
    ['GIF', bytes('GIF89a', [0x40, 0x01, 0xf0, 0x00]), 320, 240],
    ['GIF', bytes('GIF87a', [1, 0, 2, 0]), 1, 2],
    ['JPEG', JPEG, 1920, 1080],
    ['WebP', VP8, 320, 240],
    ['WebP', VP8L, 320, 240],
    ['WebP', VP8X, 640, 480],
  ])('reads the size of a %s', (format, header, width, height) => {
    expect(imageHeader(header)).toEqual({ format, size: { width, height } });
  });

  it.each([PNG, JPEG, VP8, VP8L, VP8X])('says nothing of a size that is not there yet', (header) => {
    const cut = header.subarray(0, 14);
    expect(imageHeader(cut)?.size ?? null).toBeNull();
  });

  it.each(['', 'text', 'RIFF....WAVE', '\x89PNG', 'GIF90a'])('%j is no image', (text) => {
    expect(imageHeader(bytes(text))).toBeNull();
  });

  it('takes whatever comes after a beginning that is known', () => {
    const beginnings = fc.constantFrom(
      '\x89PNG\r\n\x1a\n',
      'GIF89a',
      '\xff\xd8\xff',
      'RIFF....WEBPVP8 ',
      'RIFF....WEBPVP8X',
      'RIFF....WEBPVP8L',
    );
    fc.assert(
      fc.property(beginnings, fc.uint8Array({ maxLength: 64 }), (beginning, rest) => {
        expect(imageHeader(bytes(beginning, [...rest]))).not.toBeNull();
      }),
    );
  });
});
